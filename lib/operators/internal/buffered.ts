import { defer, type Observable, type ObservableInput, Subscription } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { connect } from '../../internal/connect.ts';
import { drain } from '../../internal/drain.ts';
import { outcomes, settledWell } from '../../model/ack.ts';
import {
  ackOf,
  type ChangeEvent,
  type DatasyncEvent,
  type ResyncEvent,
  release,
  retained,
} from '../../model/events.ts';
import { amended, Suspects } from '../../source/suspects.ts';

/**
 * What `bufferDuringResync` does: the events of the source, changes no sooner than the resync before them has ended.
 *
 * @param where the operator, for messages
 */
export function buffered<T>(
  source: Observable<DatasyncEvent<T>>,
  until: ((resync: ResyncEvent<T>) => ObservableInput<unknown>) | undefined,
  where: string,
): Observable<DatasyncEvent<T>> {
  return cold((subscriber) => {
    const held: ChangeEvent<T>[] = [];
    const superseded = new Suspects<T>(false);
    // The resync whose settlement decides; none is open once changes flow.
    let latest: ResyncEvent<T> | undefined;
    let flowing = false;
    let draining = false;
    let completed = false;
    // Whether the latest resync has ended, in whatever way: completion waits for it.
    let ended = true;
    let passed = Number.NEGATIVE_INFINITY;
    let notifier: Subscription | undefined;

    const cancelHeld = (): void => {
      for (const change of held.splice(0)) release(change, outcomes.cancelled);
    };

    const pass = (event: DatasyncEvent<T>): void => {
      passed = event.revision;
      if (event.type === 'change') superseded.told(event);
      subscriber.next(event);
      release(event);
    };

    const finish = (): void => {
      if (!completed || !ended || draining) return;
      cancelHeld();
      subscriber.complete();
    };

    const flow = (): void => {
      flowing = true;
      if (!draining) {
        draining = true;
        drain(held, () => flowing && !subscriber.closed, pass);
        draining = false;
      }
      finish();
    };

    const takeResync = (arrived: ResyncEvent<T>): void => {
      if (arrived.epoch === 0 && arrived.revision < passed && arrived.reason !== 'regressed') {
        release(arrived, outcomes.superseded);
        return;
      }
      for (const change of held.splice(0)) {
        if (isCovered(change, arrived)) {
          superseded.addUntold(change);
          release(change, outcomes.superseded);
        } else held.push(change);
      }
      const { event, clear } = amended(arrived, superseded);
      latest = event;
      flowing = ended = false;
      notifier?.unsubscribe();
      const ack = ackOf(event)!;
      ack.onSettled((outcome) => {
        const well = settledWell(outcome);
        if (well) clear();
        if (latest !== event || until !== undefined) return;
        ended = true;
        if (well) flow();
        else finish();
      });
      ack.onLate(() => {
        // It was cleared too early: its keys are named again.
        superseded.add(event);
        if (latest === event && until === undefined) flowing = false;
      });
      pass(event);
      if (until !== undefined && latest === event && !subscriber.closed) waitFor(until, event);
    };

    const waitFor = (notify: NonNullable<typeof until>, event: ResyncEvent<T>): void => {
      const applied = (): void => {
        notifier?.unsubscribe();
        ended = true;
        flow();
      };
      notifier = new Subscription();
      subscriber.add(notifier);
      connect(
        defer(() => notify(event)),
        { next: applied, error: fail, complete: applied },
        notifier,
      );
    };

    const fail = (error: unknown): void => {
      // The source first: what it still has open was not cut off inside the pipeline.
      upstream.unsubscribe();
      cancelHeld();
      subscriber.error(error);
    };

    const upstream = new Subscription();
    // In the same order where all is unsubscribed.
    subscriber.add(upstream);
    subscriber.add(cancelHeld);
    connect(
      source,
      {
        next: (arrived) => {
          const event = retained(arrived, where);
          if (event.type === 'resync') takeResync(event);
          else if (flowing && held.length === 0 && !draining) pass(event);
          else held.push(event);
        },
        error: fail,
        complete: () => {
          completed = true;
          finish();
        },
      },
      upstream,
    );
  });
}

/** Whether the resync already tells what the change would. */
function isCovered(change: ChangeEvent<unknown>, resync: ResyncEvent<unknown>): boolean {
  if (resync.reason === 'regressed') return true;
  const older = change.epoch > 0 && resync.epoch > 0 && change.epoch < resync.epoch;
  return older || change.revision <= resync.revision;
}
