import { filter, map, type Observable, of, Subject } from 'rxjs';
import { fromMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { ChangeEvent, type DatasyncEvent, ResyncEvent } from '../../lib/model/events.ts';
import type { KeyValue } from '../../lib/model/values.ts';
import { ackWithCallback } from '../../lib/operators/ackWithCallback.ts';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { filterByRevision } from '../../lib/operators/filterByRevision.ts';
import type { ChangesFrame } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { pinned } from '../../lib/source/pinned.ts';
import { bytesAllocated, interleaved, median, timed } from './measure.ts';
import { atLeast, type Figure, type Goal, units } from './table.ts';

/** Tells so many changes, and returns when the handler has seen the last one. */
type Work = (changes: number) => void;

const keys = Array.from({ length: 1_000 }, (_, index) => `/nodes/node-${index % 10}/interfaces/eth${index}`);
// 7 does not divide 1,000: no key gets the value again that it has. They differ in the middle.
const values = Array.from({ length: 7 }, (_, index) =>
  new TextEncoder().encode(`${'x'.repeat(50)}${index}${'x'.repeat(49)}`),
);

/** What is written next, for ever. */
function writer(): () => { readonly op: 'put'; readonly key: string; readonly value: Uint8Array } {
  let index = 0;
  return () => {
    index++;
    return { op: 'put', key: keys[index % keys.length]!, value: values[index % values.length]! };
  };
}

/** Counts what its handlers were given: work that nobody looks at might be left out by the compiler. */
class Seen {
  count = 0;

  /** Calls back with the event, as `ackWithCallback` does, by operators of rxjs. */
  byRxjs(events: Observable<{ readonly revision: number; readonly changes: readonly unknown[] }>): void {
    events
      .pipe(
        filter(({ changes }) => changes.length > 0),
        filter(({ revision }) => revision > 0),
        map((event) => {
          this.count += event.changes.length;
          return { event, outcome: 'applied' };
        }),
      )
      .subscribe();
  }

  byOperators(source: Observable<DatasyncEvent<Uint8Array>>): void {
    const resync = (): void => undefined;
    const change = ({ changes }: ChangeEvent<Uint8Array>): void => {
      this.count += changes.length;
    };
    source.pipe(bufferDuringResync(), filterByRevision(), ackWithCallback({ resync, change })).subscribe();
  }

  /** The work, checked. */
  all(tell: Work): Work {
    return (changes) => {
      const before = this.count;
      tell(changes);
      if (this.count - before !== changes) throw new Error(`${this.count - before} of ${changes} changes were seen`);
    };
  }
}

function fromStore(perTransaction: number): Work {
  const store = memoryStore();
  const seen = new Seen();
  seen.byOperators(fromMemory(store, { prefixes: ['/nodes/'] }));
  const next = writer();
  return seen.all((changes) => {
    for (let written = 0; written < changes; written += perTransaction) {
      if (perTransaction > 1) store.apply(Array.from({ length: perTransaction }, next));
      else {
        const { key, value } = next();
        store.put(key, value);
      }
    }
  });
}

interface PlainChange extends KeyValue<Uint8Array> {
  readonly prevValue: Uint8Array | undefined;
}

/** By hand: a Map of copied values that knows the previous ones, and a Subject. No acks, resyncs, prefixes, log or limits. */
function fromMap(perTransaction: number): Work {
  const store = new Map<string, KeyValue<Uint8Array>>();
  const events = new Subject<{ readonly revision: number; readonly changes: readonly PlainChange[] }>();
  const seen = new Seen();
  seen.byRxjs(events);
  const next = writer();
  let revision = 0;
  return seen.all((count) => {
    for (let written = 0; written < count; written += perTransaction) {
      revision++;
      const changes: PlainChange[] = [];
      for (let i = 0; i < perTransaction; i++) {
        const { key, value } = next();
        const copy = new Uint8Array(value);
        changes.push({ key, value: copy, revision, prevValue: store.get(key)?.value });
        store.set(key, { key, value: copy, revision });
      }
      events.next({ revision, changes });
    }
  });
}

function frameOf({ op, key, value }: ReturnType<ReturnType<typeof writer>>, revision: number): ChangesFrame<number> {
  return { type: 'changes', changes: [{ op, key, value, revision }], revision, position: revision };
}

/** As a client of a remote store: the values were made by somebody else. */
function fromFrames(): Work {
  const frames = new Subject<ChangesFrame<number>>();
  const backend = pinned<number>({
    list: () => of({ entries: [], position: 0, revision: 0 }),
    watch: () => frames,
  });
  const seen = new Seen();
  seen.byOperators(fromBackend(backend, { prefixes: ['/nodes/'] }));
  const next = writer();
  let revision = 0;
  return seen.all((changes) => {
    for (let i = 0; i < changes; i++) {
      frames.next(frameOf(next(), ++revision));
    }
  });
}

function fromFramesByHand(): Work {
  const frames = new Subject<ChangesFrame<number>>();
  const known = new Map<string, KeyValue<Uint8Array>>();
  const seen = new Seen();
  seen.byRxjs(
    frames.pipe(
      map((frame) => {
        const { revision = 0 } = frame;
        const changes: PlainChange[] = [];
        for (const change of frame.changes) {
          if (change.op === 'delete' || 'error' in change) continue;
          const { key, value } = change;
          changes.push({ key, value, revision, prevValue: known.get(key)?.value });
          known.set(key, { key, value, revision });
        }
        return { revision, changes };
      }),
    ),
  );
  const next = writer();
  let revision = 0;
  return seen.all((changes) => {
    for (let i = 0; i < changes; i++) {
      frames.next(frameOf(next(), ++revision));
    }
  });
}

/** Events by hand, which get their ack in the first operator, or go through as many operators of rxjs. */
function fromEvents(through: 'byOperators' | 'byRxjs'): Work {
  const events = new Subject<DatasyncEvent<Uint8Array>>();
  const seen = new Seen();
  if (through === 'byOperators') seen.byOperators(events);
  else seen.byRxjs(events.pipe(filter((event) => event.type === 'change')));
  const next = writer();
  let revision = 1;
  events.next(ResyncEvent.of<Uint8Array>({}, revision));
  return seen.all((changes) => {
    for (let i = 0; i < changes; i++) {
      const { key, value } = next();
      events.next(ChangeEvent.put(key, value, ++revision));
    }
  });
}

interface Comparison {
  readonly what: string;
  readonly ours: () => Work;
  readonly peer: string;
  readonly theirs: () => Work;
  readonly goal?: Goal;
}

const goal = atLeast(1_000_000, units.perSecond);
const comparisons: readonly Comparison[] = [
  {
    what: 'memory store, source, buffer, filter, ack',
    ours: () => fromStore(1),
    peer: 'Map, Subject, 3 operators',
    theirs: () => fromMap(1),
    goal,
  },
  {
    what: 'the same, 128 changes in an event',
    ours: () => fromStore(128),
    peer: 'Map, Subject, 3 operators',
    theirs: () => fromMap(128),
    goal,
  },
  {
    what: 'source, buffer, filter, ack',
    ours: fromFrames,
    peer: 'Map, Subject, 4 operators',
    theirs: fromFramesByHand,
    goal,
  },
  {
    what: 'buffer, filter, ack, events by hand',
    ours: () => fromEvents('byOperators'),
    peer: 'Subject, 4 operators',
    theirs: () => fromEvents('byRxjs'),
    goal,
  },
];

/** Changes per second, and what each allocates. */
export async function pipeline(quick: boolean): Promise<Figure[]> {
  const changes = quick ? 128_000 : 512_000;
  const figures: Figure[] = [];
  for (const { what, ours, peer, theirs, goal } of comparisons) {
    const works = { ours: ours(), theirs: theirs() };
    const rate = (work: Work) => () => (changes / timed(() => work(changes))) * 1_000;
    const rates = await interleaved(quick ? 5 : 11, { ours: rate(works.ours), theirs: rate(works.theirs) });
    figures.push(
      {
        what,
        unit: units.perSecond,
        ours: median(rates['ours']!),
        peer,
        theirs: median(rates['theirs']!),
        goal,
      },
      {
        what: '  allocated for each change',
        unit: units.bytes,
        ours: bytesAllocated(works.ours, 1_280),
        peer,
        theirs: bytesAllocated(works.theirs, 1_280),
      },
    );
  }
  return figures;
}
