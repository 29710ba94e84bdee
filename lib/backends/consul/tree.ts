import { asyncScheduler, concatMap, defer, EMPTY, type Observable, of, repeat, take, timer } from 'rxjs';
import type { Frame, OpenContext } from '../../source/frames.ts';
import type { Part } from './part.ts';
import type { Teller } from './teller.ts';

/** One prefix of a connection, by however many parts it is looked at. */
export interface Tree {
  /** As many as there are now. */
  readonly parts: readonly Part[];
  /** Looks at everything once. Emits once. */
  first(): Observable<unknown>;
  /** Tells what changes from then on. */
  follow(teller: Teller, ready: OpenContext<never>['ready']): Observable<Frame<never>>;
}

/** A prefix that is looked at as a whole. */
export class WholeTree implements Tree {
  readonly parts: readonly [Part];

  constructor(part: Part) {
    this.parts = [part];
  }

  first(): Observable<unknown> {
    return this.parts[0].first();
  }

  follow(teller: Teller, ready: OpenContext<never>['ready']): Observable<Frame<never>> {
    return follow(this.parts[0], teller, ready);
  }
}

/** Milliseconds for which nobody looks. */
const longPause = 200;

/**
 * No Promise, no timer of its own: everything waits for room, then for the pause, then for Consul.
 *
 * @param isOver whether there is to be no further look
 */
export function follow(
  part: Part,
  teller: Teller,
  ready: OpenContext<never>['ready'],
  isOver: () => boolean = () => false,
): Observable<Frame<never>> {
  return defer(() => timer(part.pause)).pipe(
    concatMap(() => roomy(part, ready)),
    concatMap((changes) => teller.changes(changes)),
    repeat({ delay: () => (isOver() ? EMPTY : of(true)) }),
  );
}

/**
 * The next look, when there is room for what it shows.
 *
 * After a long time without a question it does not wait: a backup may have been restored, and Consul is silent about that until
 * it has grown beyond the index it is asked with.
 */
function roomy(part: Part, ready: OpenContext<never>['ready']): ReturnType<Part['next']> {
  return defer(() => {
    const start = asyncScheduler.now();
    return ready().pipe(
      take(1),
      concatMap(() => (asyncScheduler.now() - start > longPause ? part.look(false) : part.next())),
    );
  });
}
