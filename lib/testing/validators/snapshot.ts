import { isUnder } from '../../source/prefixes.ts';
import { keysText } from '../text.ts';
import type { Finding, Validator } from './invariant.ts';
import { isUnlisted } from './listing.ts';
import type { Run, Stream, Telling } from './run.ts';
import { same } from './same.ts';
import { differences } from './truth.ts';
import { listingOf } from './upstream.ts';

/** I1: nothing before the snapshot. */
export const snapshotFirst: Validator = {
  says: 'the first event of a subscription is a resync',
  needs: ['events'],
  *check(run) {
    for (const { name, tellings } of run.streams) {
      const first = tellings[0];
      if (first?.event.type === 'change')
        yield { step: first.step, message: `${name}: the first event is a change, at ${first.event.revision}` };
    }
  },
};

/** I2: subscriptions know nothing of each other. */
export const coldIndependence: Validator = {
  says: 'each subscription has its own resync, epochs, acks and end',
  needs: ['subscriptions'],
  *check(run) {
    const seen = new Map<number, Telling>();
    for (const stream of run.sources) {
      const first = stream.tellings[0];
      if (first !== undefined && first.event.epoch > 1) {
        yield {
          step: first.step,
          message: `${label(stream)} begins with epoch ${first.event.epoch}: it goes on where another subscription was`,
        };
      }
      for (const telling of stream.tellings) {
        const other = seen.get(telling.ack);
        if (other !== undefined && other.stream !== stream) {
          yield {
            step: telling.step,
            message: `${label(stream)} and ${label(other.stream)} share the settlement of one event, at ${telling.event.revision}`,
          };
        }
        seen.set(telling.ack, telling);
      }
      yield* endedTogether(run, stream);
    }
  },
};

/** Completed while another one was being unsubscribed. */
function* endedTogether(run: Run, stream: Stream): Iterable<Finding> {
  const { ended } = stream;
  if (ended === undefined || ended.how === 'unsubscribe') return;
  for (const other of run.sources) {
    if (other === stream || other.ended?.how !== 'unsubscribe' || other.unsubscribed === undefined) continue;
    if (ended.step > other.ended.step && ended.step < other.unsubscribed) {
      yield { step: ended.step, message: `${label(stream)} ended when ${label(other)} was unsubscribed` };
    }
  }
}

/** I3: one point in time. */
export const singlePoint: Validator = {
  says: 'a resync is what the store held at its revision',
  needs: ['events', 'truth'],
  check: (run) => differences(run, 'I3'),
};

/** I4: all keys under the prefixes, and only those. */
export const total: Validator = {
  says: 'all keys under the watched prefixes, and only those',
  needs: ['events'],
  *check(run) {
    yield* differences(run, 'I4');
    for (const { event, base, step, stream } of run.tellings()) {
      if (base?.event.type !== 'resync') continue;
      const { prefixes } = base.event;
      const keys =
        event.type === 'resync' ? event.entries.items.map(({ key }) => key) : event.changes.map(({ key }) => key);
      const strange = keys.filter((key) => !isUnder(key, prefixes));
      if (strange.length > 0)
        yield {
          step,
          message: `${stream.name}: ${keysText(strange)} at ${event.revision} is not under ${keysText(prefixes)}`,
        };
      const twice = keys.filter((key, index) => keys.indexOf(key) !== index);
      if (twice.length > 0)
        yield { step, message: `${stream.name}: ${keysText(twice)} stands twice in the event at ${event.revision}` };
      const wanted = stream.options.prefixes;
      if (event.type === 'resync' && wanted !== undefined && !same([...wanted].sort(), [...prefixes].sort())) {
        yield {
          step,
          message: `${stream.name}: the resync at ${event.revision} says that ${keysText(prefixes)} are watched, not ${keysText(wanted)}`,
        };
      }
    }
  },
};

/** I5: a listing ends with one resync, also with nothing in it. */
export const endSignalled: Validator = {
  says: 'each listing ends with exactly one resync, also an empty one',
  needs: ['events'],
  *check(run) {
    // Lists made by hand are all initial.
    for (const stream of run.sources) {
      for (const { event, previous, step } of stream.tellings) {
        if (event.type !== 'resync' || event.epoch === 0 || event.reason !== 'initial' || previous?.base === undefined)
          continue;
        yield { step, message: `${stream.name}: a second initial resync, at ${event.revision}` };
      }
    }
    for (const telling of run.tellings()) {
      const { event, step, stream, before } = telling;
      if (
        event.type !== 'resync' ||
        event.reason === 'initial' ||
        !isUnlisted(run, telling) ||
        lacks(event.entries.items, before)
      )
        continue;
      yield {
        step,
        message: `${stream.name}: the resync at ${event.revision} (${event.reason}) follows no listing of its own`,
      };
    }
    yield* missingEnds(run);
  },
};

function* missingEnds(run: Run): Iterable<Finding> {
  for (const { step } of run.quiet()) {
    for (const stream of run.sources) {
      if (stream.step > step || isOver(stream, step)) continue;
      const resyncs = stream.tellings.filter(({ event, step: at }) => event.type === 'resync' && at < step);
      const listings = run.connectionsOf(stream).flatMap((connection) => listingOf(connection) ?? []);
      const last = listings.findLast((listing) => listing.step < step);
      if (resyncs.length === 0)
        yield { step, message: `${stream.name}: the subscription of step ${stream.step} never got a resync` };
      else if (last !== undefined && !resyncs.some((resync) => resync.step > last.step)) {
        yield { step, message: `${stream.name}: the listing that ended at step ${last.step} was never told` };
      }
    }
  }
}

/** I6: what a broken listing held is never seen. */
export const allOrNothing: Validator = {
  says: 'a listing that breaks leaves no trace',
  needs: ['events', 'upstream', 'truth'],
  check: (run) => differences(run, 'I6'),
};

/** I7: a failure is not an empty store. */
export const failingIsNotEmpty: Validator = {
  says: 'an error never yields a resync with fewer keys',
  needs: ['events', 'upstream'],
  *check(run) {
    for (const telling of run.tellings()) {
      const { event, step, stream, before } = telling;
      if (event.type !== 'resync' || !isUnlisted(run, telling)) continue;
      if (event.reason !== 'initial' && !lacks(event.entries.items, before)) continue;
      yield {
        step,
        message: `${stream.name}: the resync at ${event.revision} with ${event.entries.size} keys was told, but no listing had ended`,
      };
    }
  },
};

function lacks(items: readonly { readonly key: string }[], before: ReadonlyMap<string, unknown>): boolean {
  const keys = new Set(items.map(({ key }) => key));
  return [...before.keys()].some((key) => !keys.has(key));
}

/** I8: from old state to new in one step. */
export const noEmptiness: Validator = {
  says: 'no view is empty between two states that are not',
  needs: ['events'],
  *check(run) {
    yield* differences(run, 'I8');
    if (!run.has.has('truth')) yield* refilled(run);
    yield* emptiedStates(run);
  },
};

/** Without a truth: emptied by a resync, and at the same time filled again with what was there. */
function* refilled(run: Run): Iterable<Finding> {
  for (const { event, previous, stream } of run.tellings()) {
    if (previous?.event.type !== 'resync' || previous.event.entries.size > 0 || previous.before.size === 0) continue;
    const items = event.type === 'resync' ? event.entries.items : event.changes;
    const isBack = items.some((item) => 'value' in item && same(previous.before.get(item.key)?.value, item.value));
    if (isBack)
      yield {
        step: previous.step,
        message: `${stream.name}: the resync at ${previous.event.revision} empties a view that the next event fills again`,
      };
  }
}

/** An emitted view without a key, while the store was never without one. */
function* emptiedStates(run: Run): Iterable<Finding> {
  const last = new Map<string, ReadonlyMap<string, unknown>>();
  for (const { name, state, step } of run.of('state')) {
    const before = last.get(name);
    last.set(name, state);
    if (before === undefined || before.size === 0 || state.size > 0 || !run.has.has('truth')) continue;
    const watched = run.streams.flatMap(
      ({ tellings }) => tellings.findLast((telling) => telling.step < step)?.base?.event ?? [],
    );
    const prefixes = watched.flatMap((event) => (event.type === 'resync' ? event.prefixes : []));
    const stays = [...before.keys()].find(
      (key) => isUnder(key, prefixes) && (run.oracle.keys.get(key) ?? []).every(({ fact }) => fact !== undefined),
    );
    if (stays !== undefined)
      yield { step, message: `${name}: an empty view was emitted, though ${stays} was never deleted` };
  }
}

/** Whether a stream had ended before a step. */
export function isOver(stream: Stream, step: number): boolean {
  return stream.ended !== undefined && stream.ended.step < step;
}

/** A subscription in words. */
export function label(stream: Stream): string {
  return `${stream.name} (step ${stream.step})`;
}
