import { EMPTY, NEVER, of, repeat, Subject, take, tap, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../lib/model/ack.ts';
import { DatasyncError } from '../../lib/model/errors.ts';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { shareResync } from '../../lib/operators/shareResync.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { claiming, collect, type Event, event, Producer } from './support.ts';

function shared(...config: Parameters<typeof shareResync>) {
  const producer = new Producer();
  return { producer, source: producer.source.pipe(shareResync<number>(...config)) };
}

describe('shareResync', () => {
  it('subscribes to the source once, and tells all the same', () => {
    const { producer, source } = shared();
    const [a, b] = [collect(source), collect(source)];
    producer.tell('{x:1}@1', 'x:1>2@2', '!x:2@3');
    expect(a.got).toEqual(['{x:1}@1', 'x:1>2@2', '!x:2@3']);
    expect(b.got).toEqual(a.got);
  });

  it('gives a late subscriber a resync of its own, with the state as it stands', () => {
    const { producer, source } = shared();
    const epochs: number[] = [];
    collect(source);
    producer.tell('{x:1 y:2}@1', 'x:1>3@2', '!y:2@3', '+z:4@4');
    const late = collect(source);
    source.pipe(take(1)).subscribe(({ epoch }) => epochs.push(epoch));
    producer.tell('{x:3@2 z:4>5}@6 reconnected', 'x:3>6@7');
    expect(late.got).toEqual(['{x:3@2 z:4}@4', '{x:3@2 z:4>5}@6 reconnected', 'x:3>6@7']);
    expect(epochs).toEqual([1]);
  });

  it('tells a source that has not told anything yet when it does', () => {
    const { producer, source } = shared();
    const { got } = collect(source);
    producer.tell('x:0@0');
    expect([got, producer.settled]).toEqual([[], ['x:0@0 superseded']]);
    producer.tell('{}@1');
    expect(got).toEqual(['{}@1']);
  });

  it('passes reasons, prefixes, rejected keys and what is coalesced', () => {
    const error = new DatasyncError('DECODE_FAILED', 'bad');
    const source = new Subject<Event>();
    const events: Event[] = [];
    source.pipe(shareResync()).subscribe((one) => events.push(one));
    source.next(ResyncEvent.of({ x: 1 }, 1, { prefixes: ['x', 'y'], rejected: [{ key: 'y', raw: undefined, error }] }));
    const rejected = [{ key: 'x', raw: new Uint8Array([1]), error, lastGood: 1 }];
    source.next(ChangeEvent.of<number>([], 2, { rejected, coalesced: true }));
    source.next(ResyncEvent.of({ x: 1 }, 1, { reason: 'regressed', rejected }));
    source.next(ChangeEvent.put('x', 1, 2));
    expect(events).toMatchObject([
      { reason: 'initial', prefixes: ['x', 'y'], rejected: [{ key: 'y', error }] },
      { changes: [], rejected, coalesced: true },
      // Of a list by hand nobody knows what became of y: it is no longer there.
      {
        reason: 'regressed',
        rejected,
        diff: { added: [], changed: [], removed: [{ key: 'y', prevValue: undefined }] },
      },
      { changes: [{ op: 'put', key: 'x', value: 1, prevValue: 1 }], rejected: [] },
    ]);
  });

  it('passes on whose a value is', () => {
    const source = new Subject<Event>();
    const events: Event[] = [];
    const nodes = source.pipe(shareResync());
    nodes.subscribe();
    source.next(ResyncEvent.of({}, 1));
    source.next(
      ChangeEvent.of([{ op: 'put', key: 'x', value: 1, prevValue: undefined, revision: 2, from: 'files' }], 2),
    );
    nodes.subscribe((one) => events.push(one));
    source.next(ChangeEvent.delete('x', 3));
    expect(events).toMatchObject([
      { entries: { items: [{ key: 'x', from: 'files' }] } },
      { changes: [{ op: 'delete', key: 'x', from: 'files' }] },
    ]);
  });

  it('slows nobody for one who is slow: that one gets what it missed at once, coalesced', () => {
    const { producer, source } = shared({ delivery: { inFlight: 1, queue: 1 } });
    const quick = collect(source);
    const claims: Claim[] = [];
    const slow = collect(source.pipe(tap((one) => claims.push(one.claim()))));
    producer.tell('{x:1}@1');
    claims[0]!.done();
    producer.tell('x:1>2@2', 'x:2>3@3', 'x:3>4@4', 'x:4>5@5');
    expect(quick.got).toEqual(['{x:1}@1', 'x:1>2@2', 'x:2>3@3', 'x:3>4@4', 'x:4>5@5']);
    expect(slow.got).toEqual(['{x:1}@1', 'x:1>2@2']);
    claims[1]!.done();
    claims[2]!.done();
    expect(slow.got.slice(2)).toEqual(['x:2>3@3', '~x:3>5@5']);
    expect(new Set(producer.settled.map((text) => text.split(' ').at(-1)))).toEqual(new Set(['delivered']));
  });

  it('tells each again what that one failed on; the source does not learn of it', () => {
    runMarbles(({ hot, expectEvents, flush }) => {
      const values = { R: '{x:1}@1', a: 'x:1>2@2', S: '{x:2}@2', A: '{x:1>2@2}@2 nacked' };
      const producer = hot<number>('-R-a------|', values);
      const nodes = producer.pipe(shareResync<number>({ delivery: { onNack: 'resync', redeliver: { delay: 3 } } }));
      let failures = 1;
      const failing = nodes.pipe(
        tap((one) => {
          if (one.type === 'change' && failures-- > 0) one.fail(new Error('no'));
        }),
      );
      expectEvents(nodes).toBe('  -R-a------|', values);
      expectEvents(failing).toBe('-R-a--A---|', values);
      flush();
    });
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(shareResync<number>())).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(shareResync<number>())).got).toEqual([]);
  });

  it('source error: at once, to all; the next one starts anew', () => {
    const { producer, source } = shared();
    const [a, b] = [collect(source), collect(source.pipe(bufferDuringResync()))];
    producer.tell('{x:1}@1');
    producer.error(new Error('no route'));
    expect([a.got, b.got]).toEqual([
      ['{x:1}@1', '# no route'],
      ['{x:1}@1', '# no route'],
    ]);
    const next = collect(source);
    producer.tell('{x:2}@2');
    expect(next.got).toEqual(['{x:2}@2']);
  });

  it('source completion: each completes when it has settled what it was told', () => {
    const { producer, source } = shared({ delivery: { inFlight: 1 } });
    const quick = collect(source);
    const slow = claiming(source.pipe(bufferDuringResync()));
    producer.tell('{x:1}@1', 'x:1>2@2', 'x:2>3@3');
    producer.complete();
    expect([quick.got.at(-1), slow.got]).toEqual(['|', ['{x:1}@1']]);
    slow.claims[0]!.done();
    expect(slow.got).toEqual(['{x:1}@1', 'x:1>2@2', 'x:2>3@3', '|']);
  });

  it('early unsubscribe: the others stay, and the last one takes the source along', () => {
    const { producer, source } = shared();
    const [a, b] = [collect(source), collect(source)];
    producer.tell('{x:1}@1');
    a.unsubscribe();
    producer.tell('x:1>2@2');
    expect([a.got, b.got, producer.subscribed]).toEqual([['{x:1}@1'], ['{x:1}@1', 'x:1>2@2'], true]);
    b.unsubscribe();
    producer.tell('x:2>3@3');
    expect([b.got.length, producer.subscribed]).toEqual([2, false]);
  });

  it('synchronous source', () => {
    const source = of(event('{x:1}@1'), event('x:2@2'), event('x:3@3'));
    expect(collect(source.pipe(shareResync(), take(2))).got).toEqual(['{x:1}@1', 'x:1>2@2', '|']);
    expect(collect(source.pipe(shareResync())).got).toEqual(['{x:1}@1', 'x:1>2@2', 'x:2>3@3', '|']);
  });

  it('re-entrant consumer: all are told of one event before any is told of the next', () => {
    const { producer, source } = shared();
    let wrote = false;
    const writes = (one: Event): void => {
      if (one.type !== 'change' || wrote) return;
      wrote = true;
      producer.tell('x:2>3@3');
    };
    const [a, b] = [collect(source.pipe(tap(writes))), collect(source)];
    producer.tell('{x:1}@1', 'x:1>2@2');
    expect(a.got).toEqual(['{x:1}@1', 'x:1>2@2', 'x:2>3@3']);
    expect(b.got).toEqual(a.got);
    expect(producer.settled.slice(1).sort()).toEqual(['x:1>2@2 delivered', 'x:2>3@3 delivered']);
  });

  it('a subscriber that comes inside the next of another is told each event once', () => {
    const { producer, source } = shared();
    const late: string[][] = [];
    source.pipe(take(2)).subscribe((one) => {
      if (one.type === 'change') late.push(collect(source).got);
    });
    collect(source);
    producer.tell('{x:1}@1', 'x:1>2@2', 'x:2>3@3');
    expect(late).toEqual([['{x:2}@2', 'x:2>3@3']]);
  });

  it('second resync while the first is open: the one who holds it waits, the others do not', () => {
    const { producer, source } = shared();
    const quick = collect(source);
    const slow = claiming(source);
    producer.tell('{x:1}@1', '{x:1>2}@2 requested', '{x:2>3}@3 reconnected');
    expect([quick.got.length, slow.got]).toEqual([3, ['{x:1}@1']]);
    slow.claims[0]!.done();
    expect(slow.got.slice(1)).toEqual(['{x:1>3}@3 reconnected']);
  });

  it('memory released', () => {
    const { producer, source } = shared();
    const { claims, unsubscribe } = claiming(source);
    producer.tell('{x:1}@1');
    unsubscribe();
    expect([producer.open, producer.subscribed]).toEqual([0, false]);
    claims[0]!.done();
    expect(collect(source).got).toEqual([]);
  });

  it('repeats and retries of rxjs bring a fresh resync', () => {
    const list = of(event('{x:1}@1'));
    expect(collect(list.pipe(shareResync(), repeat(2))).got).toEqual(['{x:1}@1', '{x:1}@1', '|']);
    expect(collect(throwError(() => new Error('no')).pipe(shareResync<number>())).got).toEqual(['# no']);
  });
});
