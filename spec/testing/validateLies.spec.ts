import { Subject, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import {
  type ChangeEvent,
  type DatasyncEvent,
  fromBackend,
  memoryBackend,
  memoryStore,
  type RawWrite,
  type ResyncEvent,
  Snapshot,
  textCodec,
} from '../../lib/index.ts';
import { cut } from '../../lib/testing/faults.ts';
import { History, recordHistory, recordStore, recordUpstream, type Step, validate } from '../../lib/testing/index.ts';

const put = (key: string, value: string): RawWrite => ({ op: 'put', key, value: textCodec.encode(value, key) });
const drop = (key: string): RawWrite => ({ op: 'delete', key });

type HandOver = 'pinned' | 'windowed' | 'diffed';

/** A true history: changes, transactions, a break, a failure, a compaction, a request. */
function truth(handOver: HandOver): History<string> {
  const history = new History<string>();
  new TestScheduler(() => undefined).run(() => {
    const store = memoryStore();
    recordStore(store, history, textCodec);
    store.apply([put('a', '1'), put('b', '2'), put('c', '3')]);
    const breaks = new Subject<void>();
    const requests = new Subject<void>();
    const backend = recordUpstream(cut(memoryBackend(store, { handOver }), breaks), history);
    const source = fromBackend(backend, {
      prefixes: [''],
      codec: textCodec,
      resyncOn: requests.pipe(history.requests()),
      retry: { random: () => 0 },
    });
    let events = 0;
    const consume = (event: DatasyncEvent<string>): void => {
      if (++events === 4) event.fail(new Error('no'));
      else event.done();
    };
    const recording = recordHistory(source, { history, consume, prefixes: [''], inFlight: 128 });
    const writes = [
      [put('a', '4')],
      [drop('b'), put('d', '5')],
      [put('b', '6')],
      [drop('a')],
      [put('c', '7'), drop('d')],
      [put('e', '8')],
      [drop('b')],
      [put('c', '9')],
    ];
    for (const [index, all] of writes.entries()) timer(10 + index * 40).subscribe(() => store.apply(all));
    timer(100).subscribe(() => breaks.next());
    timer(200).subscribe(() => {
      breaks.next();
      store.apply([drop('e'), put('f', '10')]);
      store.compact();
    });
    timer(3_000).subscribe(() => requests.next());
    timer(3_500).subscribe(() => store.apply([put('f', '11')]));
    timer(10_000).subscribe(() => {
      history.quiet();
      recording.unsubscribe();
    });
  });
  return history;
}

type Lie = (event: DatasyncEvent<string>) => DatasyncEvent<string> | undefined;
type Change = ChangeEvent<string>['changes'][number];
type Diff = ResyncEvent<string>['diff'];

/** A lie about each change of an event; none where it leaves everything as it is. */
const changed =
  (lie: (change: Change) => Change): Lie =>
  (event) => {
    if (event.type === 'resync') return undefined;
    const changes = event.changes.map(lie);
    return changes.every((change, index) => change === event.changes[index]) ? undefined : event.with({ changes });
  };

const entries =
  (lie: (items: ResyncEvent<string>['entries']['items']) => ResyncEvent<string>['entries']['items']): Lie =>
  (event) =>
    event.type === 'resync' && event.entries.size > 0
      ? event.with({ entries: new Snapshot(lie(event.entries.items)) })
      : undefined;

const diff =
  (list: keyof Diff, lie: (diff: Diff) => Diff): Lie =>
  (event) =>
    event.type === 'resync' && event.diff[list].length > 0 ? event.with({ diff: lie(event.diff) }) : undefined;

const revised =
  (type: 'resync' | 'change', by: number): Lie =>
  (event) => {
    if (event.type !== type) return undefined;
    const fields = { revision: event.revision + by };
    return event.type === 'resync' ? event.with(fields) : event.with(fields);
  };

const lies: Readonly<Record<string, Lie>> = {
  'a change of another value': changed((change) => (change.op === 'put' ? { ...change, value: 'no' } : change)),
  'a change with another previous value': changed((change) => ({ ...change, prevValue: 'no' })),
  'a delete as a put': changed((change) => (change.op === 'put' ? change : { ...change, op: 'put', value: 'no' })),
  'a change of another key': changed((change) => ({ ...change, key: 'z' })),
  'a change of another revision': revised('change', 1),
  'a change as old as can be': revised('change', -100),
  'a change of another epoch': (event) =>
    event.type === 'change' ? event.with({ epoch: event.epoch + 1 }) : undefined,
  'a change without its first key': (event) =>
    event.type === 'change' && event.changes.length > 1 ? event.with({ changes: event.changes.slice(1) }) : undefined,
  'a resync without its first key': entries((items) => items.slice(1)),
  'a resync with one key more': entries((items) => [...items, { key: 'z', value: 'no', revision: 1 }]),
  'a resync of other values': entries((items) => items.map((item) => ({ ...item, value: 'no' }))),
  'a resync of another revision': revised('resync', -1),
  'a resync of another epoch': (event) =>
    event.type === 'resync' ? event.with({ epoch: event.epoch + 1 }) : undefined,
  'a diff without its first addition': diff('added', (all) => ({ ...all, added: all.added.slice(1) })),
  'a diff without its first change': diff('changed', (all) => ({ ...all, changed: all.changed.slice(1) })),
  'a diff without its first removal': diff('removed', (all) => ({ ...all, removed: all.removed.slice(1) })),
  'a diff with another previous value': diff('removed', (all) => ({
    ...all,
    removed: all.removed.map((item) => ({ ...item, prevValue: 'no' })),
  })),
};

/** The same history with one step replaced by others. */
function retold(history: History<string>, step: number, instead: readonly Step<string>[]): History<string> {
  const lying = new History<string>();
  // Steps keep their numbers: what refers to them still does.
  lying.steps.push(...history.steps.flatMap((old) => (old.step === step ? instead : [old])));
  return lying;
}

describe.each<HandOver>(['pinned', 'windowed', 'diffed'])('one lie in a true history, %s', (handOver) => {
  const { capabilities } = memoryBackend(memoryStore(), { handOver });
  const history = truth(handOver);
  const events = history.steps.flatMap((step) => (step.type === 'event' ? [step] : []));
  const unseen = (lying: readonly (readonly [string, History<string>])[]): string[] => {
    return lying.flatMap(([what, told]) => (validate(told, capabilities).length === 0 ? [what] : []));
  };

  it('has something to lie about', () => {
    expect(validate(history, capabilities)).toEqual([]);
    expect(events.filter(({ event }) => event.type === 'resync').length).toBeGreaterThan(2);
    expect(events.length).toBeGreaterThan(8);
  });

  // A revision that is counted is a number like any other, and what is told per key may leave out a state.
  const isExact = handOver === 'pinned';
  const lieable = Object.entries(lies).filter(([what]) => isExact || !what.endsWith('another revision'));

  it.each(lieable)('%s is seen, wherever it is', (what, lie) => {
    const lying = events.flatMap((step) => {
      const event = lie(step.event);
      return event === undefined
        ? []
        : [[`${what}, step ${step.step}`, retold(history, step.step, [{ ...step, event }])] as const];
    });
    expect(lying).not.toEqual([]);
    expect(unseen(lying)).toEqual([]);
  });

  if (isExact)
    it('an event that is not told is seen', () => {
      const lying = events.map((step) => {
        const lost = new History<string>();
        lost.steps.push(
          ...history.steps.filter((old) => old.step !== step.step && !('of' in old && old.of === step.step)),
        );
        return [`step ${step.step}`, lost] as const;
      });
      expect(unseen(lying)).toEqual([]);
    });

  it('a settlement that never came is seen', () => {
    const lying = history.steps.flatMap((step) =>
      step.type === 'settled' || step.type === 'frameSettled'
        ? [[`step ${step.step}`, retold(history, step.step, [])] as const]
        : [],
    );
    expect(unseen(lying)).toEqual([]);
  });

  if (isExact)
    it('a frame settled otherwise than its event is seen', () => {
      const lying = history.steps.flatMap((step) => {
        if (step.type !== 'frameSettled' || step.outcome.type !== 'failed') return [];
        return [
          [`step ${step.step}`, retold(history, step.step, [{ ...step, outcome: { type: 'applied' } }])] as const,
        ];
      });
      expect(lying).not.toEqual([]);
      expect(unseen(lying)).toEqual([]);
    });
});
