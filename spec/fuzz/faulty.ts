import { concatMap, filter, map, merge, mergeMap, type Observable, of, throwError, timer } from 'rxjs';
import type { Backend, Frame } from '../../lib/index.ts';

/** A bad network, as the script wants it. */
export interface Faults {
  readonly cut: Observable<unknown>;
  readonly latency: () => number;
  readonly faded: () => boolean;
  readonly sent: () => void;
  readonly settled: () => void;
}

/** The backend over a bad network: connections break, frames are late, or vanish until the connection is found dead. */
export function faulty<P>(backend: Backend<P>, faults: Faults): Backend<P> {
  return {
    ...backend,
    open: (context) => {
      const frames = backend.open(context).pipe(
        filter(() => !faults.faded()),
        concatMap((frame) => (faults.latency() === 0 ? of(frame) : timer(faults.latency()).pipe(map(() => frame)))),
        map((frame) => counted(frame, faults)),
      );
      return merge(frames, faults.cut.pipe(mergeMap((error) => throwError(() => error))));
    },
  };
}

function counted<P>(frame: Frame<P>, { sent, settled }: Faults): Frame<P> {
  if (frame.type !== 'snapshot' && frame.type !== 'changes') return frame;
  sent();
  return {
    ...frame,
    settled: (outcome) => {
      settled();
      frame.settled?.(outcome);
    },
  };
}
