import { basename, dirname, relative, sep } from 'node:path';
import type { ChokidarOptions, FSWatcher } from 'chokidar';
import { noop, type Observable } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { hasFormat } from './formats.ts';
import type { Root } from './root.ts';

/** What has to be watched for the sake of one configured path. */
export interface WatchTarget {
  /** A directory. */
  readonly directory: string;
  /** Which file system object it is. A watcher never sees a path again once that was deleted or replaced. */
  readonly identity: string;
  /** The only name in it that counts; missing: the whole tree does, as far as `root` goes. */
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
    const watcher = watch(directory, {
      ignoreInitial: true,
      ignorePermissionErrors: true,
      // It would hold back what was removed for 100 ms; the scan waits as long anyway.
      atomic: false,
      ...(depth === Infinity ? {} : { depth }),
      ignored: (path, stats) => {
        if (path === directory || dirname(directory).startsWith(path)) return false;
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
    watcher.on('raw', (_event, path: unknown) => {
      if (typeof path !== 'string' || counts(basename(path))) subscriber.next('touched');
    });
    watcher.on('error', (error) => {
      const { code } = error as NodeJS.ErrnoException;
      subscriber.next(exhausted.has(code) ? (error as Error) : 'touched');
    });
  });
}

/** Whether a name may matter to a scan: one without an extension may be a directory, `..data` is what a ConfigMap swaps. */
function mayCount(name: string): boolean {
  if (name.startsWith('.')) return name.startsWith('..');
  return !name.includes('.') || hasFormat(name);
}
