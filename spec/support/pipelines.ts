import { map, type Observable } from 'rxjs';
import { ackWithCallback, type DatasyncEvent } from '../../lib/index.ts';
import type { SourceStage } from '../../lib/testing/index.ts';

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
