import { defer, EMPTY, type Observable, type Subscriber, throwError, timer } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { attach } from '../internal/connect.ts';
import { outcomes } from '../model/ack.ts';
import type { Backend, Frame, OpenContext } from '../source/frames.ts';

/** What goes wrong in every connection; each has a state of its own. */
export type Fault<P> = (frames: Observable<Frame<P>>, context: OpenContext<P>) => Observable<Frame<P>>;

/** The backend with a fault between it and the loop. */
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
    passed(frames, (subscriber) => {
      subscriber.add(when.subscribe({ next: () => subscriber.error(error), error: () => undefined }));
      return (frame) => subscriber.next(frame);
    }),
  );
}

/** The connection ends without an error when `when` emits. */
export function close<P>(backend: Backend<P>, when: Observable<unknown>): Backend<P> {
  return withFault(backend, (frames) =>
    passed(frames, (subscriber) => {
      subscriber.add(when.subscribe({ next: () => subscriber.complete(), error: () => undefined }));
      return (frame) => subscriber.next(frame);
    }),
  );
}

/** Every frame, error and completion comes `ms` later, in order. What is on its way when the connection is given up is lost. */
export function latency<P>(backend: Backend<P>, ms: number): Backend<P> {
  return withFault(backend, (frames) =>
    cold((subscriber) => {
      const onTheWay = new Set<Frame<P>>();
      const later = (action: () => void): void => {
        subscriber.add(timer(ms).subscribe(action));
      };
      subscriber.add(() => onTheWay.forEach(drop));
      attach(subscriber, frames, {
        next: (frame) => {
          onTheWay.add(frame);
          later(() => {
            onTheWay.delete(frame);
            subscriber.next(frame);
          });
        },
        error: (error: unknown) => later(() => subscriber.error(error)),
        complete: () => later(() => subscriber.complete()),
      });
    }),
  );
}

/** From the emission of `when` on nothing comes any more, and nothing ends: the socket is open, the other side is gone. */
export function blackHole<P>(backend: Backend<P>, when: Observable<unknown>): Backend<P> {
  return withFault(backend, (frames) =>
    cold((subscriber) => {
      let swallowed = false;
      const unless = (action: () => void): void => {
        if (!swallowed) action();
      };
      const swallow = (): void => {
        swallowed = true;
      };
      subscriber.add(when.subscribe({ next: swallow, error: () => undefined }));
      attach(subscriber, frames, {
        next: (frame) => (swallowed ? drop(frame) : subscriber.next(frame)),
        error: (error: unknown) => unless(() => subscriber.error(error)),
        complete: () => unless(() => subscriber.complete()),
      });
    }),
  );
}

/** Every frame of changes is sent again after `after` further ones (0: at once). */
export function repeated<P>(backend: Backend<P>, after = 0): Backend<P> {
  return withFault(backend, (frames) =>
    passed(frames, (subscriber) => {
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

/** Neighbouring frames of changes change places: the first `times` pairs, by default all. */
export function swapped<P>(backend: Backend<P>, { times = Infinity }: { times?: number } = {}): Backend<P> {
  let left = times;
  return withFault(backend, (frames) =>
    passed(frames, (subscriber) => {
      let held: Frame<P> | undefined;
      subscriber.add(() => held && drop(held));
      return (frame) => {
        if (held === undefined && frame.type === 'changes' && left > 0) {
          left--;
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

/**
 * Frames of several changes come in two parts of one revision, the first `times` of them. The first part has no position:
 * nobody can go on behind it. With `lost` the connection breaks between the parts.
 */
export function split<P>(
  backend: Backend<P>,
  { times = Infinity, lost = false }: { times?: number; lost?: boolean } = {},
): Backend<P> {
  let left = times;
  return withFault(backend, (frames) =>
    passed(frames, (subscriber) => (frame) => {
      if (frame.type !== 'changes' || frame.changes.length < 2 || left-- <= 0) return subscriber.next(frame);
      const { position: _, settled: __, ...first } = frame;
      subscriber.next({ ...first, changes: frame.changes.slice(0, 1) });
      const rest = { ...frame, changes: frame.changes.slice(1) };
      // The answer to the first part may have been that the connection was given up.
      if (lost || subscriber.closed) drop(rest);
      else subscriber.next(rest);
      if (lost) subscriber.error(new Error('lost in the middle of a transaction'));
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
    return passed(frames, (subscriber) => {
      let seen = 0;
      return (frame) => {
        if (seen++ < pages && frame.type === 'page') subscriber.next(frame);
        else subscriber.error(new Error(`the listing broke after ${pages} pages`));
      };
    });
  });
}

/** The first `times` connections are refused, with `error`; with `accept` they are closed at once instead. */
export function refuse<P>(
  backend: Backend<P>,
  {
    times,
    accept = false,
    error = new Error('connection refused'),
  }: { times: number; accept?: boolean; error?: unknown },
): Backend<P> {
  let left = times;
  const refused = accept ? EMPTY : throwError(() => error);
  return withFault(backend, (frames) => (left-- > 0 ? refused : frames));
}

/** What {@link faults} can do to a backend. */
export interface Faults {
  /** Anything: what every connection goes through. */
  readonly with: typeof withFault;
  /** The connection breaks when `when` emits. */
  readonly cut: typeof cut;
  /** The connection ends without an error when `when` emits. */
  readonly close: typeof close;
  /** Everything comes `ms` later, in order; what is on its way when the connection is given up is lost. */
  readonly latency: typeof latency;
  /** From the emission of `when` on nothing comes any more, and nothing ends. */
  readonly blackHole: typeof blackHole;
  /** Every frame of changes is sent again after `after` further ones (0: at once). */
  readonly repeated: typeof repeated;
  /** Neighbouring frames of changes change places: the first `times` pairs, by default all. */
  readonly swapped: typeof swapped;
  /** Frames of several changes come in two parts of one revision; with `lost` the connection breaks between them. */
  readonly split: typeof split;
  /** The first `times` connections break after so many pages. */
  readonly breakListing: typeof breakListing;
  /** The first `times` connections are refused, with `error`; with `accept` they are closed at once instead. */
  readonly refuse: typeof refuse;
}

/**
 * Faults of the way between a store and the loop: each takes a backend and returns one that has it, so they can be nested.
 *
 * @example
 * const lost = new Subject<void>();
 * const backend = faults.refuse(faults.cut(faults.latency(pinned({ list, watch }), 50), lost), { times: 3 });
 */
export const faults: Faults = {
  with: withFault,
  cut,
  close,
  latency,
  blackHole,
  repeated,
  swapped,
  split,
  breakListing,
  refuse,
};

/** The frames as they come, but for what `start` does with each. */
function passed<P>(
  frames: Observable<Frame<P>>,
  start: (subscriber: Subscriber<Frame<P>>) => (frame: Frame<P>) => void,
): Observable<Frame<P>> {
  return cold((subscriber) => {
    const next = start(subscriber);
    attach(subscriber, frames, {
      next,
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
  });
}

/** Whoever loses a frame answers for it. */
function drop(frame: Frame): void {
  if (frame.type === 'changes' || frame.type === 'snapshot') frame.settled?.(outcomes.cancelled);
}
