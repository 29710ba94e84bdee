import { lstatSync, type Stats } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { ChokidarOptions, FSWatcher } from 'chokidar';
import { noop, type Observable } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { hasFormat } from './formats.ts';
import type { Root } from './root.ts';

/** What has to be watched for the sake of one configured path, or one link. */
export interface WatchTarget {
  /** A directory. */
  readonly directory: string;
  /** Which file system object it is. A watcher never sees a path again once that was deleted or replaced. */
  readonly identity: string;
  /** The only name in it that counts; missing: the whole tree does, as far as `root` goes, but for what links lead to. */
  readonly only?: string;
  readonly root?: Pick<Root, 'depth' | 'ignores' | 'rules'>;
}

/**
 * `ready`: armed · `touched`: something may have changed · `lost`: it has let go of its directory, and will say nothing more · an
 * Error: the watcher cannot work.
 */
export type Sign = 'ready' | 'touched' | 'lost' | Error;

/** The one function of chokidar that is used. */
export type Watch = (paths: string, options: ChokidarOptions) => FSWatcher;

/** The system has no watches or files left: without them nothing is seen. */
const exhausted: ReadonlySet<unknown> = new Set(['ENOSPC', 'EMFILE', 'ENFILE']);

/** A chokidar watcher as an Observable; it ends by unsubscribing only. */
export function watchTarget(watch: Watch, { directory, only, root }: WatchTarget): Observable<Sign> {
  const counts = only === undefined ? mayCount : (name: string) => name === only || name.startsWith('..');
  const depth = only === undefined ? (root?.depth ?? Infinity) : 0;
  return cold((subscriber) => {
    /** The links that it has met. */
    const links = new Set<string>();
    const isLinked = (path: string): boolean => {
      const linked = lstatOf(path)?.isSymbolicLink() === true;
      if (linked) links.add(path);
      return linked;
    };
    /** A link that came, went or is another one; or it is a directory now, of which the watcher does not know. */
    const signOf = (path: string): Sign | undefined => {
      if (isLinked(path)) return 'touched';
      if (!links.has(path)) return undefined;
      return lstatOf(path)?.isDirectory() === true ? 'lost' : 'touched';
    };
    const watcher = watch(directory, {
      ignoreInitial: true,
      ignorePermissionErrors: true,
      // It would hold back what was removed for 100 ms; the scan waits as long anyway.
      atomic: false,
      ...(depth === Infinity ? {} : { depth }),
      ignored: (path, stats) => {
        if (path === directory || dirname(directory).startsWith(path)) return false;
        // It would go round where links do, and stay where a link led before. What one leads to is a target of its own.
        if (stats?.isDirectory() === true && isLinked(path)) return true;
        if (only !== undefined) return basename(path) !== only;
        if (basename(path).startsWith('.') || (stats?.isFile() === true && !hasFormat(path))) return true;
        return root?.ignores(relative(directory, path).split(sep).join('/')) === true;
      },
    });
    subscriber.add(() => {
      watcher.close().catch(noop);
      // What still fails inside it would be thrown for want of a listener.
      watcher.on('error', noop);
    });
    watcher.on('ready', () => subscriber.next('ready'));
    // It lets go of a directory that it may not read for a moment, and does not come back when it may.
    watcher.on('all', (event, path) =>
      subscriber.next(event === 'unlinkDir' && path === directory ? 'lost' : 'touched'),
    );
    // It says nothing of a write that follows another within 50 ms, nor of a link that it ignores: `..data` of a ConfigMap.
    watcher.on('raw', (event, path: unknown, details: unknown) => {
      const { watchedPath = directory } = (details ?? {}) as { readonly watchedPath?: string };
      const isRename = typeof path === 'string' && only === undefined && event === 'rename';
      const sign = isRename ? signOf(join(watchedPath, basename(path))) : undefined;
      if (sign !== undefined) subscriber.next(sign);
      else if (typeof path !== 'string' || counts(basename(path))) subscriber.next('touched');
    });
    watcher.on('error', (error) => {
      const { code } = error as NodeJS.ErrnoException;
      subscriber.next(exhausted.has(code) ? (error as Error) : 'touched');
    });
  });
}

function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Whether a name may matter to a scan: one without an extension may be a directory, `..data` is what a ConfigMap swaps. */
function mayCount(name: string): boolean {
  if (name.startsWith('.')) return name.startsWith('..');
  return !name.includes('.') || hasFormat(name);
}
