import { type Observable, type Subscriber, Subscription, timer } from 'rxjs';
import { DatasyncError, type DatasyncEvent, type ResyncReason } from '../../../lib/index.ts';
import { connect } from '../../../lib/internal/connect.ts';
import { type Ack, outcomes } from '../../../lib/model/ack.ts';
import { type Backend, ContinuityLost, FatalError, type Frame, type RawEntry } from '../../../lib/source/frames.ts';

/** The connection of {@link HandLoop}: opened, broken, tried again, and closed. */
export abstract class HandConnection {
  readonly backend: Backend;
  readonly subscriber: Subscriber<DatasyncEvent<string>>;
  prefixes: readonly string[];
  epoch = 0;
  position: unknown;
  reason: ResyncReason = 'initial';
  pages: RawEntry[] = [];
  connection = new Subscription();
  /** Connections that broke since the last listing. */
  failures = 0;
  /** The resync that has not been settled, and what waits for it. */
  openResync: Ack | undefined;
  due: ResyncReason | undefined;
  readonly open = new Set<Ack>();

  constructor(backend: Backend, subscriber: Subscriber<DatasyncEvent<string>>, prefixes: readonly string[] = ['']) {
    this.backend = backend;
    this.subscriber = subscriber;
    this.prefixes = prefixes;
    subscriber.add(() => this.close());
  }

  close(): void {
    this.connection.unsubscribe();
    for (const ack of [...this.open]) ack.force(outcomes.cancelled);
  }

  connect(): void {
    const from = this.position;
    const added = from === undefined ? this.prefixes : [];
    this.forgetPages();
    this.connection = new Subscription();
    const { connection } = this;
    const frames = this.backend.open({
      prefixes: this.prefixes,
      added,
      from,
      ready: () => timer(0) as Observable<never>,
    });
    connect(
      frames,
      {
        next: (frame) => this.take(frame),
        error: (error: unknown) => this.broken(error),
        complete: () => this.broken(new Error('completed')),
      },
      connection,
    );
  }

  /** A listing begins: what an earlier one had brought does not count. */
  forgetPages(): void {
    this.pages = [];
  }

  broken(error: unknown): void {
    if (error instanceof FatalError) {
      this.subscriber.error(new DatasyncError('FATAL', error.message, { cause: error }));
      return;
    }
    if (error instanceof ContinuityLost) this.forget(error.reason);
    else if (this.position === undefined && this.epoch > 0) this.reason = 'reconnected';
    const { connection } = this;
    const pause = Math.min(100 * 2 ** Math.max(0, this.failures++ - 1), 400);
    this.later(pause, () => {
      // Unless somebody has made another one meanwhile.
      if (this.connection === connection) this.connect();
    });
  }

  /** Everything has to be read again. */
  forget(reason: ResyncReason): void {
    this.position = undefined;
    this.reason = reason;
  }

  later(ms: number, action: () => void): void {
    this.subscriber.add(timer(ms).subscribe(action));
  }

  /** Somebody asks for a resync. */
  request(): void {
    if (this.openResync !== undefined) {
      this.due = 'requested';
      return;
    }
    this.relist('requested');
  }

  /** Other prefixes from now on. */
  rewatch(prefixes: readonly string[]): void {
    this.prefixes = prefixes;
    this.relist('prefixes');
  }

  relist(reason: ResyncReason): void {
    this.connection.unsubscribe();
    this.forget(reason);
    this.connect();
  }

  abstract take(frame: Frame): void;
}
