import { type Observable, Subscription } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { connect } from '../../internal/connect.ts';
import { failure, type Outcome, outcomes, settledWell, worse } from '../../model/ack.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import { ackOf, type DatasyncEvent, release, retained, type Source } from '../../model/events.ts';
import type { ResolvedRedeliver } from '../../source/config.ts';
import type { Declared, OnFailure } from './declared.ts';
import { type ConsumerOutcome, type Hearer, Member, notStarted } from './member.ts';

/** What a round has come to. */
export interface RoundResult {
  readonly event: DatasyncEvent<Uint8Array>;
  readonly outcomes: Readonly<Record<string, ConsumerOutcome>>;
  readonly again?: string;
}

/** One event, on its way through the consumers. */
interface Round {
  readonly event: DatasyncEvent<Uint8Array>;
  readonly members: readonly Member[];
  /** Only this one is told, again. */
  readonly again: Member | undefined;
  readonly outcomes: Record<string, ConsumerOutcome>;
  isOver: boolean;
}

/** Gives each event to the consumers, one after the other; one round runs at a time. */
export function rounds(
  source: Source<Uint8Array>,
  consumers: readonly Declared[],
  onFailure: OnFailure,
  redeliver: ResolvedRedeliver,
): Observable<RoundResult> {
  return cold((subscriber) => {
    // What waits: an event, or a consumer that is to be told again.
    const waiting: (DatasyncEvent<Uint8Array> | Member)[] = [];
    let current: Round | undefined;
    let busy = false;
    let looping = false;
    let completed = false;

    const members = consumers.map((declared) => {
      const member: Member = new Member(declared, declared.treatment.onFailure ?? onFailure, redeliver, () => {
        if (!waiting.includes(member)) waiting.push(member);
        loop();
      });
      return member;
    });

    const stopAll = (): void => {
      for (const member of members) member.close();
    };

    const cancelAll = (): void => {
      const open = current === undefined ? waiting.splice(0) : [current.event, ...waiting.splice(0)];
      current = undefined;
      for (const one of open) if (!(one instanceof Member)) release(one, outcomes.cancelled);
    };

    const start = (event: DatasyncEvent<Uint8Array>, again?: Member): void => {
      // Without a prototype: a consumer may be called `__proto__`.
      const outcomes = Object.create(null) as Record<string, ConsumerOutcome>;
      const round: Round = { event, members: again ? [again] : members, again, outcomes, isOver: false };
      for (const { name } of consumers) outcomes[name] = notStarted;
      busy = true;
      current = round;
      let turn = 0;
      const next = (): void => {
        if (subscriber.closed) return;
        const member = round.members[turn++];
        if (member === undefined) finish(round);
        else if (event.type === 'resync' && isStopped(round)) {
          member.skip(event);
          next();
        } else member.give(event, hearer(round, member, next));
      };
      next();
    };

    const finish = (round: Round): void => {
      const { event, outcomes, again } = round;
      round.isOver = true;
      current = undefined;
      release(event, outcomeOf(round));
      subscriber.next({ event, outcomes: { ...outcomes }, ...(again && { again: again.name }) });
      busy = false;
      loop();
    };

    const loop = (): void => {
      if (looping) return;
      looping = true;
      while (!busy && waiting.length > 0 && !subscriber.closed) {
        const first = waiting.shift()!;
        if (!(first instanceof Member)) {
          start(first);
          continue;
        }
        const again = first.again();
        if (again !== undefined) start(retained(again), first);
      }
      looping = false;
      if (!completed || busy || waiting.length > 0) return;
      for (const member of members) member.complete();
      subscriber.complete();
    };

    const upstream = new Subscription();
    // In this order: the work is stopped, the source cancels what is open, the rest is let go of.
    subscriber.add(stopAll);
    subscriber.add(upstream);
    subscriber.add(cancelAll);
    connect(
      source,
      {
        next: (event) => {
          waiting.push(retained(event));
          loop();
        },
        error: (error) => {
          stopAll();
          cancelAll();
          subscriber.error(error);
        },
        complete: () => {
          completed = true;
          loop();
        },
      },
      upstream,
    );
  });
}

/** What one consumer of a round says goes into its outcome; said later, up to the source. */
function hearer(round: Round, member: Member, next: () => void): Hearer {
  const { event, outcomes } = round;
  return {
    isOwn: round.again !== undefined,
    ended: (outcome) => {
      outcomes[member.name] = outcome;
      next();
    },
    failedLate: (outcome) => {
      const said = outcomes[member.name]!;
      if (round.isOver) {
        if (member.required) ackOf(event)?.note(named([[member, outcome]], event));
      } else outcomes[member.name] = said.type === 'notStarted' ? outcome : worse(said, outcome);
    },
    late: () => ackOf(event)?.late(),
  };
}

/** The required consumers that have not taken the event over, each with what it said. */
function failuresOf({ members, outcomes }: Round): (readonly [Member, ConsumerOutcome])[] {
  return members
    .filter(({ required }) => required)
    .map((member) => [member, outcomes[member.name]!] as const)
    .filter(([, outcome]) => outcome.type !== 'notStarted' && !settledWell(outcome));
}

function isStopped(round: Round): boolean {
  return failuresOf(round).some(([{ onFailure }]) => onFailure === 'stop');
}

/** What the source is told: failed where a required consumer is, whatever followed. */
function outcomeOf(round: Round): Outcome {
  const failed = failuresOf(round);
  if (failed.length > 0) return named(failed, round.event);
  return Object.values(round.outcomes).some(({ type }) => type === 'applied') ? outcomes.applied : outcomes.delivered;
}

/** One failure that names its consumers, and the keys where all of them can say. */
function named(failed: readonly (readonly [Member, ConsumerOutcome])[], event: DatasyncEvent<Uint8Array>): Outcome {
  const names = failed.map(([{ name }]) => name).join(', ');
  const errors = failed.map(([{ name }, outcome]) => errorOf(name, outcome));
  const error = new AggregateError(errors, `[rx-datasync] consumers failed: ${names}`);
  const keys = failed.map(([member, outcome]) => keysOf(member, outcome, event));
  return keys.includes(undefined)
    ? failure(error)
    : failure(error, { keys: [...new Set(keys.flatMap((some) => some!))] });
}

function errorOf(name: string, outcome: ConsumerOutcome): DatasyncError {
  if (outcome.type === 'failed')
    return new DatasyncError('NACKED', `consumer '${name}' failed: ${messageOf(outcome.error)}`, {
      cause: outcome.error,
    });
  const what = outcome.type === 'timedOut' ? 'timed out' : `did not take it over: ${outcome.type}`;
  return new DatasyncError('NACKED', `consumer '${name}' ${what}`);
}

/** Of a change those of the consumer's part. */
function keysOf(
  { prefix }: Member,
  outcome: ConsumerOutcome,
  event: DatasyncEvent<Uint8Array>,
): readonly string[] | undefined {
  if (outcome.type === 'failed' && outcome.keys !== undefined) return outcome.keys;
  if (event.type === 'resync') return undefined;
  return event.changes.map(({ key }) => key).filter((key) => key.startsWith(prefix));
}
