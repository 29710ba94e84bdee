import type { Observable, Subscription } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { type Sign, type Watch, type WatchTarget, watchTarget } from './watchTarget.ts';

/** One watcher, and all subscriptions of this process that listen to it. */
interface Shared {
  identity: string;
  ready: boolean;
  watcher: Subscription | undefined;
  readonly listeners: Set<(sign: Sign) => void>;
}

const pools = new WeakMap<Watch, Map<string, Shared>>();

/**
 * A watcher for a target, shared by all who watch the same.
 *
 * chokidar keeps one system watch per path, whoever asked for it, until the last one lets go: when a directory has been
 * replaced, somebody who still held the dead watch would make it be handed out again. So here whoever first finds that a
 * target was replaced renews the watcher for all.
 */
export function sharedWatch(watch: Watch, target: WatchTarget): Observable<Sign> {
  return cold((subscriber) => {
    const pool = pools.get(watch) ?? new Map<string, Shared>();
    pools.set(watch, pool);
    const id = JSON.stringify([target.directory, target.only, target.root?.rules]);
    const shared = pool.get(id) ?? { identity: '', ready: false, watcher: undefined, listeners: new Set() };
    pool.set(id, shared);

    const listener = (sign: Sign): void => subscriber.next(sign);
    shared.listeners.add(listener);
    subscriber.add(() => {
      shared.listeners.delete(listener);
      if (shared.listeners.size > 0) return;
      shared.watcher?.unsubscribe();
      if (pool.get(id) === shared) pool.delete(id);
    });

    if (shared.identity === target.identity) {
      if (shared.ready) subscriber.next('ready');
      return;
    }
    shared.identity = target.identity;
    shared.ready = false;
    shared.watcher?.unsubscribe();
    const tell = (sign: Sign): void => {
      if (sign === 'ready') shared.ready = true;
      // Whoever tries again starts a new one.
      if ((sign === 'lost' || sign instanceof Error) && pool.get(id) === shared) pool.delete(id);
      // One that is lost is closed by who let go of it: in the middle of its own doing it would not close everything.
      if (sign instanceof Error) shared.watcher?.unsubscribe();
      for (const each of [...shared.listeners]) each(sign);
    };
    shared.watcher = watchTarget(watch, target).subscribe({
      next: tell,
      error: (error: unknown) => tell(error instanceof Error ? error : new Error(String(error))),
    });
  });
}
