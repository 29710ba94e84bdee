import { asyncScheduler, filter, type Observable, race, Subject, Subscription, startWith, take, timer } from 'rxjs';
import { DatasyncError } from '../../model/errors.ts';
import { sharedWatch } from './sharedWatch.ts';
import type { Sign, Watch, WatchTarget } from './watchTarget.ts';

interface Armed {
  readonly target: WatchTarget;
  readonly subscription: Subscription;
  ready: boolean;
  /** It says nothing more. */
  lost: boolean;
}

/** Milliseconds to wait for a watcher to be armed; a tree that is written to all the time may keep it busy for ever. */
const patience = 2_000;
/** Milliseconds after which a watcher that could not work is tried again. */
const retryAfter = 30_000;

/** The watchers of one connection, by configured path and link. They only hint; the scans find out what happened. */
export class Watchers {
  readonly #watch: Watch;
  readonly #ring: () => void;
  readonly #armed = new Map<string, Armed>();
  readonly #ready = new Subject<void>();
  readonly #failed = new Map<string, { readonly error: DatasyncError; since: number }>();

  /** @param ring called at each hint */
  constructor(watch: Watch, ring: () => void) {
    this.#watch = watch;
    this.#ring = ring;
  }

  /** Why changes are found by the scans alone. */
  get trouble(): DatasyncError | undefined {
    for (const { error } of this.#failed.values()) return error;
    return undefined;
  }

  /** Emits once, when every watcher is armed, or has had its time. */
  ready(): Observable<unknown> {
    const all = this.#ready.pipe(
      startWith(undefined),
      filter(() => [...this.#armed.values()].every(({ ready }) => ready)),
    );
    return race(all, timer(patience)).pipe(take(1));
  }

  /** Arms and disarms, so that what is watched is what the paths are now. */
  follow(targets: ReadonlyMap<string, WatchTarget | undefined>): void {
    const now = asyncScheduler.now();
    for (const [path, { subscription }] of this.#armed) {
      if (targets.has(path)) continue;
      this.#armed.delete(path);
      this.#failed.delete(path);
      subscription.unsubscribe();
    }
    for (const [path, target] of targets) {
      const armed = this.#armed.get(path);
      const failed = this.#failed.get(path);
      const again = failed !== undefined && now - failed.since >= retryAfter;
      if (same(armed?.target, target) && armed?.lost !== true && !again) continue;
      this.#armed.delete(path);
      if (failed !== undefined) failed.since = now;
      if (target === undefined) this.#failed.delete(path);
      else this.#arm(path, target);
      armed?.subscription.unsubscribe();
    }
  }

  close(): void {
    for (const { subscription } of this.#armed.values()) subscription.unsubscribe();
    this.#armed.clear();
    this.#failed.clear();
  }

  #arm(path: string, target: WatchTarget): void {
    const armed: Armed = { target, subscription: new Subscription(), ready: false, lost: false };
    this.#armed.set(path, armed);
    const next = (sign: Sign): void => {
      if (sign === 'ready') this.#failed.delete(path);
      if (sign === 'lost') armed.lost = true;
      if (sign instanceof Error) this.#fail(path, sign, armed);
      if (sign !== 'touched') {
        armed.ready = true;
        this.#ready.next();
      }
      // Also when it is ready: what happened before that was not seen.
      this.#ring();
    };
    const error = (cause: unknown): void => next(cause instanceof Error ? cause : new Error(String(cause)));
    armed.subscription.add(sharedWatch(this.#watch, target).subscribe({ next, error }));
  }

  #fail(path: string, cause: Error, { subscription }: Armed): void {
    subscription.unsubscribe();
    const message = `${path} cannot be watched (${cause.message}); changes are found by scanning only`;
    const error = new DatasyncError('UNREADABLE', message, { cause, backend: 'files', file: path });
    this.#failed.set(path, { error, since: asyncScheduler.now() });
  }
}

function same(a: WatchTarget | undefined, b: WatchTarget | undefined): boolean {
  return (
    a?.directory === b?.directory &&
    a?.identity === b?.identity &&
    a?.only === b?.only &&
    a?.root?.rules === b?.root?.rules
  );
}
