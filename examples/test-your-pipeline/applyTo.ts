import { type AckResult, ackWithCallback, bufferDuringResync, type DatasyncEvent, filterByRevision } from 'rx-datasync';
import type { Observable, OperatorFunction } from 'rxjs';

/** What does the work; each answer takes a while, and may be an error. */
export interface Router {
  readonly replaceAll: (mtus: ReadonlyMap<string, number>) => Observable<unknown>;
  readonly setMtu: (name: string, mtu: number | undefined) => Observable<unknown>;
}

/** The pipeline under test: a router gets the whole state first, and then one change after the other. */
export function applyTo(router: Router): OperatorFunction<DatasyncEvent<number>, AckResult<number>> {
  return (source) =>
    source.pipe(
      bufferDuringResync(),
      filterByRevision(),
      ackWithCallback({
        resync: ({ entries }) => router.replaceAll(new Map(entries.items.map(({ key, value }) => [key, value]))),
        change: ({ changes }) => {
          const [change] = changes;
          if (change === undefined) return undefined;
          return router.setMtu(change.key, change.op === 'put' ? change.value : undefined);
        },
      }),
    );
}
