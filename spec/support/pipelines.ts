import { map, type Observable } from 'rxjs';
import {
  ackWithCallback,
  bufferDuringResync,
  type DatasyncEvent,
  filterByRevision,
  trackPrevious,
} from '../../lib/index.ts';
import type { SourceStage, SourceSubject } from '../../lib/testing/index.ts';

/** The consumer of the conformance suite as `ackWithCallback`; what comes out are the events it has worked on. */
export function acks({
  history,
  work,
}: SourceStage): (source: Observable<DatasyncEvent<unknown>>) => Observable<DatasyncEvent<unknown>> {
  const handler = history.work('consumer', work);
  return (source) =>
    source.pipe(
      ackWithCallback({ resync: handler, change: handler }),
      history.tapResults(),
      map(({ event }) => event),
    );
}

/** The four operators over the halves of a source: the same promises, but for what only a loop can do. */
export const byHand: Pick<SourceSubject<never>, 'cannot' | 'pipeline'> = {
  // All of it is what the loop of fromBackend does.
  cannot: {
    frames: 'there is no backend',
    reconnect: 'nothing connects it again (rxjs retry would, from outside)',
    prefixes: 'its prefixes are fixed',
    resyncOn: 'nobody lists again',
    status: 'nobody knows how it is doing',
    silence: 'there is no connection that could be silent',
    resyncAfterReconnect: 'nothing connects it again',
    limits: 'whatever comes is taken',
    redelivery: 'nobody tells a failed resync again',
  },
  pipeline: (halves, stage) => {
    const { inFlight: _, ...place } = stage.place;
    return halves.pipe(
      bufferDuringResync(),
      filterByRevision(),
      trackPrevious(),
      stage.history.tap('source', place),
      stage.history.tap('buffered'),
      acks(stage),
    );
  },
};
