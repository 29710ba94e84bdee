import { Subject, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DatasyncError } from '../../lib/model/errors.ts';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { Snapshot } from '../../lib/model/snapshot.ts';
import { mergeSources } from '../../lib/operators/mergeSources.ts';
import { shareResync } from '../../lib/operators/shareResync.ts';
import { acked, collect, type Event, Producer } from './support.ts';

const error = new DatasyncError('DECODE_FAILED', 'bad');
const bad = { key: 'x', raw: undefined, error };

/** Tells events by hand through shareResync to one subscriber. */
function through(...given: Event[]): Event[] {
  const source = new Subject<Event>();
  const events: Event[] = [];
  source.pipe(shareResync()).subscribe((one) => events.push(one));
  for (const one of given) source.next(one);
  return events;
}

describe('shareResync, when all happens at once', () => {
  it('what comes inside next is told before the source completes', () => {
    const producer = new Producer();
    const writes = (one: Event): void => {
      if (one.type !== 'change' || one.revision > 2) return;
      producer.tell('x:2>3@3');
      producer.complete();
    };
    const source = producer.source.pipe(shareResync<number>());
    const [a, b] = [collect(source.pipe(tap(writes))), collect(source)];
    producer.tell('{x:1}@1', 'x:1>2@2');
    expect([a.got.slice(2), b.got.slice(2)]).toEqual([
      ['x:2>3@3', '|'],
      ['x:2>3@3', '|'],
    ]);
  });

  it('what came inside next is cancelled where the source ends with an error there', () => {
    const source = new Subject<Event>();
    const late = acked('x:2>3@3');
    const writes = (one: Event): void => {
      if (one.type !== 'change') return;
      source.next(late.event);
      late.ack.release();
      source.error(new Error('no route'));
    };
    const { got } = collect(source.pipe(shareResync<number>(), tap(writes)));
    source.next(ResyncEvent.of({ x: 1 }, 1));
    source.next(ChangeEvent.put('x', 2, 2));
    expect([got, late.said]).toEqual([['{x:1}@1', '# no route'], ['cancelled']]);
  });

  it('a resync that a status observer brings about is the first one', () => {
    const producer = new Producer();
    const next = ({ subscription, state }: { subscription: number; state: string }): void => {
      if (subscription === 2 && state === 'connecting') producer.tell('{x:1>2}@2 requested');
    };
    const source = producer.source.pipe(shareResync<number>({ statusObserver: { next } }));
    collect(source);
    producer.tell('{x:1}@1');
    expect(collect(source).got).toEqual(['{x:2}@2']);
  });
});

describe('shareResync, what cannot be decoded', () => {
  const items = [{ key: 'x', value: 1, revision: 1 }];
  const list = (revision: number, rejected: readonly (typeof bad)[]): Event =>
    ResyncEvent.of<number>({}, revision).with({ entries: new Snapshot(items), rejected });

  it('is told when it can be again, also where the entry is the very same', () => {
    const events = through(list(1, []), list(2, [bad]), list(3, [bad]), list(4, []));
    expect(events.map((one) => (one.type === 'resync' ? one.diff.changed.map(({ key }) => key) : []))).toEqual([
      [],
      [],
      [],
      ['x'],
    ]);
    expect(events.map(({ rejected }) => rejected.length)).toEqual([0, 1, 1, 0]);
  });

  it('keeps its last good value where a list by hand does not know it', () => {
    const unknown = ResyncEvent.of<number>({}, 2, { rejected: [bad] });
    const [, second] = through(ResyncEvent.of({ x: 1 }, 1), unknown);
    expect(second).toMatchObject({
      entries: { items: [{ key: 'x', value: 1 }] },
      diff: { changed: [], removed: [] },
      rejected: [{ key: 'x', lastGood: 1 }],
    });
  });

  it('is gone where a source says so, also below a source that is slow', () => {
    const source = new Subject<Event>();
    const events: Event[] = [];
    const claims: (() => void)[] = [];
    source.pipe(shareResync({ delivery: { inFlight: 1, queue: 0 } })).subscribe((one) => {
      events.push(one);
      claims.push(one.claim().done);
    });
    source.next(ResyncEvent.of({ x: 1 }, 1));
    source.next(ChangeEvent.delete('x', 3));
    source.next(ChangeEvent.of<number>([], 4, { rejected: [bad] }));
    for (const done of claims) done();
    expect(events.at(-1)).toMatchObject({
      changes: [{ op: 'delete', key: 'x', prevValue: 1 }],
      rejected: [{ key: 'x' }],
      coalesced: true,
    });
  });
});

describe('mergeSources, at its edges', () => {
  it('cancels what waits for the first resync', () => {
    const files = new Subject<Event>();
    const { event, ack, said } = acked('{x:1}@1');
    const { unsubscribe } = collect(mergeSources({ files, memory: new Subject<Event>() }));
    files.next(event);
    ack.release();
    unsubscribe();
    expect(said).toEqual(['cancelled']);
  });

  it('tells a key that can be decoded again, where it is the same from below', () => {
    const [files, memory] = [new Subject<Event>(), new Subject<Event>()];
    const events: Event[] = [];
    mergeSources({ files, memory }).subscribe((one) => events.push(one));
    files.next(ResyncEvent.of<number>({}, 1, { rejected: [bad] }));
    memory.next(ResyncEvent.of({ x: 8 }, 1));
    files.next(ResyncEvent.of<number>({}, 2));
    expect(events).toMatchObject([
      { rejected: [{ key: 'x', lastGood: 8 }] },
      { rejected: [], diff: { changed: [{ key: 'x', value: 8, prevValue: 8 }] } },
    ]);
  });
});
