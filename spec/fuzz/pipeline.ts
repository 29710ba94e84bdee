import { type Observable, type Subscription, tap } from 'rxjs';
import {
  ackWithCallback,
  bufferDuringResync,
  type DatasyncEvent,
  filterByRevision,
  type Source,
  toState,
} from '../../lib/index.ts';
import type { History } from '../../lib/testing/index.ts';

/** What runs below the source. */
export type Pipeline = 'bare' | 'buffer + ack' | 'buffer + filter + ack' | 'toState';

/** What hears of the events below the source. */
interface Below {
  readonly bare: (event: DatasyncEvent<string>) => void;
  readonly passed: (event: DatasyncEvent<string>) => void;
  readonly handle: (event: DatasyncEvent<string>) => Observable<unknown> | undefined;
  readonly result: (event: DatasyncEvent<string>, type: string) => void;
  readonly state: (state: ReadonlyMap<string, string>) => void;
}

/** Runs it, and says what the consumer gets. */
export function subscribe(
  pipeline: Pipeline,
  source: Source<string>,
  history: History<string>,
  below: Below,
  problems: string[],
): Subscription {
  const error = (cause: unknown): void => void problems.push(`the stream ended: ${String(cause)}`);
  const acks = ackWithCallback({ resync: below.handle, change: below.handle }, { timeout: 1_000 });
  switch (pipeline) {
    case 'bare':
      return source.subscribe({ next: below.bare, error });
    case 'toState':
      return source.pipe(toState(), history.tapStates()).subscribe({ next: below.state, error });
    default: {
      const filtered =
        pipeline === 'buffer + ack'
          ? source.pipe(bufferDuringResync())
          : source.pipe(bufferDuringResync(), filterByRevision());
      return filtered
        .pipe(tap(below.passed), history.tap('buffered'), acks, history.tapResults())
        .subscribe({ next: ({ event, outcome }) => below.result(event, outcome.type), error });
    }
  }
}
