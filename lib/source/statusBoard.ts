import { asyncScheduler, type Observer } from 'rxjs';
import { guarded } from '../internal/report.ts';
import type { SourceStatus } from '../model/status.ts';

/** Why what was told may not be the truth, and since when. */
export interface Trouble {
  readonly since: number;
  readonly cause: unknown;
}

/** What the delivery says of itself. */
interface DeliveryFacts {
  readonly revision: number | undefined;
  readonly lag: number;
  readonly unsettled: number;
  readonly oldestUnsettledSince: number | undefined;
  readonly lateClaims: number;
  readonly nacked: Trouble | undefined;
}

/** What the connection says of itself. */
interface ConnectionFacts {
  readonly attempt: number;
  readonly until: number | undefined;
}

/** Keeps what only the status shows, and puts it together for the observer. */
export class StatusBoard {
  readonly #subscription: number;
  readonly #tell: ((status: SourceStatus) => void) | undefined;
  /** The connection broke after something was told. */
  #disconnected: Trouble | undefined;
  /** The backend works, and something is amiss: a file that does not parse. */
  #troubled: Trouble | undefined;
  state: SourceStatus['state'] = 'connecting';
  dropped = 0;
  unknownDeletes = 0;

  /** @param observer an exception in it breaks nothing here */
  constructor(subscription: number, observer: Partial<Observer<SourceStatus>> | undefined) {
    this.#subscription = subscription;
    this.#tell = observer?.next === undefined ? undefined : guarded((status) => observer.next!(status));
  }

  disconnected(cause: unknown): void {
    this.#disconnected ??= { since: asyncScheduler.now(), cause };
  }

  connected(): void {
    this.#disconnected = undefined;
  }

  /** @param cause `undefined`: all is well */
  troubled(cause: unknown): void {
    this.#troubled = cause === undefined ? undefined : { since: this.#troubled?.since ?? asyncScheduler.now(), cause };
  }

  tell(delivery: DeliveryFacts, connection: ConnectionFacts, cause: unknown): void {
    if (this.#tell === undefined) return;
    const { revision, lag, unsettled, oldestUnsettledSince, lateClaims, nacked } = delivery;
    const { attempt, until } = connection;
    const troubles = [this.#disconnected, this.#troubled, nacked].filter((trouble) => trouble !== undefined);
    const stale = troubles.sort((a, b) => a.since - b.since)[0];
    this.#tell({
      subscription: this.#subscription,
      state: this.state,
      ...(stale === undefined ? {} : { stale: { since: stale.since, cause: stale.cause } }),
      ...(attempt === 0 ? {} : { attempt }),
      ...(until === undefined ? {} : { until }),
      ...(cause === undefined ? {} : { cause }),
      ...(revision === undefined ? {} : { revision }),
      lag,
      unsettled,
      ...(oldestUnsettledSince === undefined ? {} : { oldestUnsettledSince }),
      lateClaims,
      dropped: this.dropped,
      unknownDeletes: this.unknownDeletes,
    });
  }
}
