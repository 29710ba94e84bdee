import { defer, EMPTY, Observable, type Subscriber, throwError, timer } from 'rxjs';
import { outcomes } from '../../lib/model/ack.ts';
import type { Backend, Frame, OpenContext } from '../../lib/source/frames.ts';

/** What goes wrong in every connection; each has a state of its own. */
export type Fault<P> = (frames: Observable<Frame<P>>, context: OpenContext<P>) => Observable<Frame<P>>;

/** The backend with a fault between it and the loop. Faults can be nested. */
export function withFault<P>(backend: Backend<P>, fault: Fault<P>): Backend<P> {
  // Opened only where the fault subscribes.
  return {
    ...backend,
    open: (context) =>
      fault(
        defer(() => backend.open(context)),
        context,
      ),
  };
}

/** The connection breaks when `when` emits. */
export function cut<P>(
  backend: Backend<P>,
  when: Observable<unknown>,
  error: unknown = new Error('connection reset'),
): Backend<P> {
  return withFault(backend, (frames) =>
    each(frames, (subscriber) => {
      subscriber.add(when.subscribe(() => subscriber.error(error)));
      return (frame) => subscriber.next(frame);
    }),
  );
}

/** The connection ends without an error when `when` emits. */
export function close<P>(backend: Backend<P>, when: Observable<unknown>): Backend<P> {
  return withFault(backend, (frames) =>
    each(frames, (subscriber) => {
      subscriber.add(when.subscribe(() => subscriber.complete()));
      return (frame) => subscriber.next(frame);
    }),
  );
}

/** Every frame, error and completion comes `ms` later, in order. What is on its way when the connection is given up is lost. */
export function latency<P>(backend: Backend<P>, ms: number): Backend<P> {
  return withFault(
    backend,
    (frames) =>
      new Observable((subscriber) => {
        const onTheWay = new Set<Frame<P>>();
        const later = (action: () => void): void => {
          subscriber.add(timer(ms).subscribe(action));
        };
        subscriber.add(() => onTheWay.forEach(drop));
        subscriber.add(
          frames.subscribe({
            next: (frame) => {
              onTheWay.add(frame);
              later(() => {
                onTheWay.delete(frame);
                subscriber.next(frame);
              });
            },
            error: (error: unknown) => later(() => subscriber.error(error)),
            complete: () => later(() => subscriber.complete()),
          }),
        );
      }),
  );
}

/** From the emission of `when` on nothing comes any more, and nothing ends: the socket is open, the other side is gone. */
export function blackHole<P>(backend: Backend<P>, when: Observable<unknown>): Backend<P> {
  return withFault(
    backend,
    (frames) =>
      new Observable((subscriber) => {
        let swallowed = false;
        const unless = (action: () => void): void => {
          if (!swallowed) action();
        };
        subscriber.add(
          when.subscribe(() => {
            swallowed = true;
          }),
        );
        subscriber.add(
          frames.subscribe({
            next: (frame) => (swallowed ? drop(frame) : subscriber.next(frame)),
            error: (error: unknown) => unless(() => subscriber.error(error)),
            complete: () => unless(() => subscriber.complete()),
          }),
        );
      }),
  );
}

/** Every frame of changes is sent again after `after` further ones (0: at once). */
export function repeated<P>(backend: Backend<P>, after = 0): Backend<P> {
  return withFault(backend, (frames) =>
    each(frames, (subscriber) => {
      const old: Frame<P>[] = [];
      return (frame) => {
        subscriber.next(frame);
        if (frame.type !== 'changes') return;
        // A frame is settled once: the copy has nobody to tell.
        const { settled: _, ...copy } = frame;
        old.push(copy);
        if (old.length > after) subscriber.next(old.shift()!);
      };
    }),
  );
}

/** Neighbouring frames of changes change places. */
export function swapped<P>(backend: Backend<P>): Backend<P> {
  return withFault(backend, (frames) =>
    each(frames, (subscriber) => {
      let held: Frame<P> | undefined;
      subscriber.add(() => held && drop(held));
      return (frame) => {
        if (held === undefined && frame.type === 'changes') {
          held = frame;
          return;
        }
        subscriber.next(frame);
        if (held !== undefined) subscriber.next(held);
        held = undefined;
      };
    }),
  );
}

/** The first `times` connections break after so many pages, before their snapshot is complete. */
export function breakListing<P>(
  backend: Backend<P>,
  { pages, times = 1 }: { pages: number; times?: number },
): Backend<P> {
  let left = times;
  return withFault(backend, (frames) => {
    if (left-- <= 0) return frames;
    return each(frames, (subscriber) => {
      let seen = 0;
      return (frame) => {
        if (seen++ < pages && frame.type === 'page') subscriber.next(frame);
        else subscriber.error(new Error(`the listing broke after ${pages} pages`));
      };
    });
  });
}

/** The first `times` connections are refused; with `accept` they are closed at once instead. */
export function refuse<P>(
  backend: Backend<P>,
  { times, accept = false }: { times: number; accept?: boolean },
): Backend<P> {
  let left = times;
  const refused = accept ? EMPTY : throwError(() => new Error('connection refused'));
  return withFault(backend, (frames) => (left-- > 0 ? refused : frames));
}

function each<P>(
  frames: Observable<Frame<P>>,
  start: (subscriber: Subscriber<Frame<P>>) => (frame: Frame<P>) => void,
): Observable<Frame<P>> {
  return new Observable((subscriber) => {
    const next = start(subscriber);
    subscriber.add(
      frames.subscribe({
        next,
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    );
  });
}

/** Whoever loses a frame answers for it. */
function drop(frame: Frame<unknown>): void {
  if (frame.type === 'changes' || frame.type === 'snapshot') frame.settled?.(outcomes.cancelled);
}
