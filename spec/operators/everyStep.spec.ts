import { map, NEVER, type Observable, of, pipe, tap, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  ackWithCallback,
  bufferDuringResync,
  distinctValue,
  filterByRevision,
  mergeSources,
  type PublishTarget,
  publishTo,
  shareResync,
  toState,
  trackPrevious,
  type WorkResult,
} from '../../lib/index.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { type Event, event, Producer } from './support.ts';

const no = new Error('no');

/** What a consumer may do with an event, at its worst. */
const works: Readonly<Record<string, (event: Event) => WorkResult>> = {
  nothing: () => undefined,
  'a synchronous throw': () => {
    throw no;
  },
  'an asynchronous throw': () =>
    timer(3).pipe(
      map(() => {
        throw no;
      }),
    ),
  'a work that never ends': () => NEVER,
  'a work that takes a while': () => timer(3),
  'a double done': (event) => {
    const claim = event.claim();
    claim.done();
    claim.done();
    event.done();
    claim.fail(no);
  },
};

/** The same below an operator that does not work itself: inside `next`. */
const below =
  (name: string) =>
  (event: Event): void => {
    if (name === 'a double done') works[name]!(event);
    if (name.endsWith('throw')) event.fail(no);
    if (!name.startsWith('a work')) return;
    const claim = event.claim();
    if (name.endsWith('while')) timer(3).subscribe(() => claim.done());
  };

function broker(name: string): PublishTarget<number> {
  const write = (): unknown =>
    works[name]!({ claim: () => ({ done: () => 1, fail: () => 1 }), done: () => 1 } as unknown as Event) ?? of(1);
  return {
    capabilities: { write: true },
    list: () => of([{ key: 'old', value: 1, revision: 1 }]),
    put: write,
    delete: write,
    listKeys: () => of([]),
    txn: () => expect.unreachable(),
  } as unknown as PublishTarget<number>;
}

type Below = (source: Observable<Event>) => Observable<unknown>;
const operators: Readonly<Record<string, (name: string) => Below>> = {
  bufferDuringResync: (name) => pipe(bufferDuringResync<number>(), tap(below(name))),
  'bufferDuringResync until': (name) =>
    pipe(
      bufferDuringResync<number>(() => timer(4)),
      tap(below(name)),
    ),
  filterByRevision: (name) => pipe(filterByRevision<number>(), tap(below(name))),
  trackPrevious: (name) => pipe(trackPrevious<number>(), tap(below(name))),
  distinctValue: (name) => pipe(distinctValue<number>(), tap(below(name))),
  shareResync: (name) => pipe(shareResync<number>(), tap(below(name))),
  'shareResync, all': (name) => pipe(shareResync<number>({ acks: 'all' }), tap(below(name))),
  mergeSources: (name) => (source) => mergeSources({ source, other: of(event('{o:1}@1')) }).pipe(tap(below(name))),
  toState: (name) => pipe(tap<Event>(below(name)), toState<number>()),
  ackWithCallback: (name) => ackWithCallback<number>({ resync: works[name]!, change: works[name]! }),
  'ackWithCallback, concurrently': (name) =>
    ackWithCallback<number>({ resync: works[name]!, change: works[name]! }, { concurrency: 3, timeout: 20 }),
  publishTo: (name) => publishTo<number>({ good: broker('nothing'), other: broker(name) }, { timeout: 20 }),
  'all of them': (name) =>
    pipe(
      bufferDuringResync<number>(),
      filterByRevision(),
      trackPrevious(),
      distinctValue(),
      ackWithCallback<number>({ resync: works[name]!, change: works[name]! }, { timeout: 20 }),
    ),
};

const steps = [
  '{x:1 y:1}@1',
  'x:1>1@2',
  'x:1>2,y:1>2@3',
  'z:?@4',
  '{x:2 y:2}@4 requested',
  '!x:2@5',
  'y:2>3@3',
  'q:1@6',
];

/** Unsubscribes after some steps, or inside the `next` of some emission. */
function play(operator: Below, at: { readonly step?: number; readonly emission?: number }): void {
  virtually((time) => {
    const producer = new Producer();
    let emissions = 0;
    let over = false;
    let told = 0;
    const subscription = operator(producer.source).subscribe({
      next: () => {
        if (over) expect.unreachable('something was emitted afterwards');
        if (emissions++ === at.emission) unsubscribe();
      },
      error: (error: unknown) => expect.unreachable(String(error)),
    });
    const unsubscribe = (): void => {
      over = true;
      // It is not known yet inside the first, synchronous `next`.
      subscription.unsubscribe();
    };
    for (const [index, text] of steps.entries()) {
      if (index === at.step) unsubscribe();
      if (over) break;
      told++;
      producer.tell(text);
      time.advance(index % 2);
    }
    if (at.step === undefined) time.advance(1_000);
    if (!over) unsubscribe();
    expect(producer.open).toBe(0);
    const settled = producer.settled.filter((said) => !said.includes(' late '));
    time.advance(1_000);
    expect(producer.settled.filter((said) => !said.includes(' late '))).toEqual(settled);
    expect(settled).toHaveLength(told);
    for (const text of steps.slice(0, told))
      expect(settled.filter((said) => said.startsWith(`${text} `)).length, text).toBe(1);
  });
}

describe.each(Object.keys(operators))(
  '%s: every event is settled exactly once, and nothing is emitted afterwards',
  (name) => {
    it.each(Object.keys(works))('%s; unsubscribed at every step', (work) => {
      for (let step = 0; step <= steps.length; step++) play(operators[name]!(work), { step });
      for (let emission = 0; emission < steps.length; emission++) play(operators[name]!(work), { emission });
    });
  },
);
