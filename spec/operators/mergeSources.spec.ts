import { EMPTY, NEVER, of, Subject, take, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DatasyncError } from '../../lib/model/errors.ts';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { type MergeSourcesConfig, mergeSources } from '../../lib/operators/mergeSources.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { claiming, collect, type Event, event, Producer } from './support.ts';

/** Files above memory. */
function merged(config: MergeSourcesConfig = { wait: Infinity }) {
  const files = new Producer();
  const memory = new Producer();
  return { files, memory, source: mergeSources({ files: files.source, memory: memory.source }, config) };
}

/** Both have told their first resync. */
function started(first: string, second: string, config?: MergeSourcesConfig) {
  const all = merged(config);
  const { got, claims, unsubscribe } = claiming(all.source);
  all.files.tell(first);
  all.memory.tell(second);
  claims[0]!.done();
  return { ...all, got, claims, unsubscribe, since: () => got.slice(1) };
}

describe('mergeSources', () => {
  it('passes of each key the value of the first source that has it', () => {
    const { got } = started('{x:1 y:2}@10', '{y:8 z:9}@3');
    expect(got).toEqual(['{x:1 y:2 z:9}@1']);
  });

  it('passes changes of the winner, and of keys that only one has', () => {
    const { files, memory, since } = started('{x:1}@10', '{x:8 z:9}@3');
    files.tell('x:1>2@11');
    memory.tell('z:9>7,+w:5@4');
    expect(since()).toEqual(['x:1>2@2', 'w:5,z:9>7@3']);
  });

  it('passes nothing of the loser; its events settle superseded', () => {
    const { memory, since } = started('{x:1}@10', '{x:8}@3');
    memory.tell('x:8>7@4', '!x:7@5', 'x:6@6');
    expect(since()).toEqual([]);
    expect(memory.settled.slice(1)).toEqual(['x:8>7@4 superseded', '!x:7@5 superseded', 'x:6@6 superseded']);
  });

  it('a losing value reappears when the winner goes, as it is by then', () => {
    const { files, memory, since } = started('{x:1}@10', '{x:8}@3');
    memory.tell('x:8>7@4');
    files.tell('!x:1@11', 'x:2@12');
    memory.tell('!x:7@5');
    files.tell('!x:2@13');
    expect(since()).toEqual(['x:1>7@2', 'x:7>2@3', '!x:2@4']);
  });

  it('says whose each value is', () => {
    const files = new Subject<Event>();
    const memory = new Subject<Event>();
    const events: Event[] = [];
    mergeSources({ files, memory }).subscribe((one) => events.push(one));
    files.next(event('{x:1}@1'));
    memory.next(event('{x:2 z:3}@1'));
    files.next(event('!x@2'));
    memory.next(event('!z@2'));
    files.next(event('{z:4}@3 reconnected'));
    expect(events).toMatchObject([
      {
        entries: {
          items: [
            { key: 'x', value: 1, from: 'files' },
            { key: 'z', value: 3, from: 'memory' },
          ],
        },
        diff: { added: [{ from: 'files' }, { from: 'memory' }] },
      },
      { changes: [{ op: 'put', key: 'x', value: 2, from: 'memory' }] },
      { changes: [{ op: 'delete', key: 'z', from: 'memory' }] },
      { diff: { added: [{ key: 'z', from: 'files' }] } },
    ]);
  });

  it('a resync of one source replaces its own keys only', () => {
    const { files, memory, got, claims, since } = started('{x:1 y:2}@10', '{y:8 z:9}@3');
    files.tell('{x:1@10}@20 reconnected');
    claims[1]!.done();
    expect(since()).toEqual(['{x:1@1 y:2>8 z:9@1}@2 reconnected']);
    memory.tell('{}@1 regressed');
    expect(got.at(-1)).toBe('{x:1@1 !y:8 !z:9}@3 regressed');
  });

  it('counts epochs and revisions, and knows all prefixes', () => {
    const { files, memory, source } = merged();
    const events: Event[] = [];
    source.subscribe((one) => events.push(one));
    files.tell('{x:1}@10');
    memory.tell('{z:9}@3', 'z:9>8@4', '{z:8}@4 requested', 'z:8>7@5');
    expect(events.map(({ epoch, revision }) => [epoch, revision])).toEqual([
      [1, 1],
      [1, 2],
      [2, 3],
      [2, 4],
    ]);
    const prefixes = ['a', 'b'].map((prefix) => of(ResyncEvent.of({}, 1, { prefixes: [prefix, 'c'] })));
    const all: unknown[] = [];
    mergeSources({ a: prefixes[0]!, b: prefixes[1]! }).subscribe((one) => all.push(one));
    expect(all).toMatchObject([{ prefixes: ['a', 'c', 'b'] }]);
  });

  it('an undecodable value hides no good one below it', () => {
    const error = new DatasyncError('DECODE_FAILED', 'bad');
    const bad = ChangeEvent.of<number>([], 2, { rejected: [{ key: 'x', raw: undefined, error }] });
    const files = new Subject<Event>();
    const memory = new Subject<Event>();
    const events: Event[] = [];
    mergeSources({ files, memory }).subscribe((one) => events.push(one));
    files.next(ResyncEvent.of({}, 1));
    memory.next(ResyncEvent.of({ x: 8 }, 1));
    files.next(bad);
    memory.next(ChangeEvent.put('x', 7, 3));
    files.next(ChangeEvent.delete('x', 4));
    expect(events.slice(1)).toMatchObject([
      { changes: [], rejected: [{ key: 'x', error, lastGood: 8 }] },
      { changes: [{ op: 'put', value: 7 }], rejected: [{ key: 'x', lastGood: 7 }], coalesced: true },
      // It can be decoded again: that is said, also where the value is equal.
      { changes: [{ op: 'put', value: 7, prevValue: 7, from: 'memory' }], rejected: [] },
    ]);
  });

  it('settles an event with the first outcome of what is told of it', () => {
    const { files, memory, claims, since } = started('{x:1}@10', '{z:9}@3', { delivery: { redeliver: { count: 0 } } });
    expect([files.settled, memory.settled]).toEqual([['{x:1}@10 applied'], ['{z:9}@3 applied']]);
    files.tell('{x:2}@11 requested');
    claims[1]!.fail(new Error('no'));
    expect(files.settled.slice(1)).toEqual(['{x:2}@11 requested failed']);
    files.tell('{=x:2}@11 nacked');
    claims[2]!.done();
    files.tell('{=x:2}@11 nacked');
    expect(files.settled.slice(2)).toEqual(['{=x:2}@11 nacked applied', '{=x:2}@11 nacked delivered']);
    expect(since()).toEqual(['{x:1>2 z:9@1}@2 requested', '{x:1>2@2 z:9@1}@3 nacked']);
  });

  it('empty', () => {
    expect(collect(mergeSources({ a: EMPTY, b: EMPTY })).got).toEqual(['|']);
  });

  it('never', () => {
    const { got, unsubscribe } = collect(mergeSources({ a: NEVER, b: NEVER }));
    expect(got).toEqual([]);
    unsubscribe();
  });

  it('source error: the end of all, at once', () => {
    const { files, memory, got } = started('{x:1}@10', '{z:9}@3');
    memory.error(new Error('no route'));
    expect([got.at(-1), files.subscribed]).toEqual(['# no route', false]);
  });

  it('source completion: what it told stays, and all is over when all are and everything is settled', () => {
    const { files, memory, got, claims, since } = started('{x:1}@10', '{z:9}@3');
    memory.complete();
    files.tell('{x:2}@11 requested', 'x:2>3@12');
    files.complete();
    expect(since()).toEqual(['{x:1>2 z:9@1}@2 requested', 'x:2>3@3']);
    claims[1]!.done();
    expect(got.at(-1)).toBe('|');
  });

  it('early unsubscribe', () => {
    runMarbles(({ hot, cold, expectEvents, expectSubscriptions }) => {
      const a = cold<number>('-R-a-b-', { R: '{x:1}@1', a: 'x:2@2', b: 'x:3@3' });
      const b = hot<number>(' --S----', { S: '{}@1' });
      expectEvents(mergeSources({ a, b }), '   ^---!').toBe('--Ra', { R: '{x:1}@1', a: 'x:1>2@2' });
      expectSubscriptions(a.subscriptions).toBe('^---!');
      expectSubscriptions(b.subscriptions).toBe('^---!');
    });
  });

  it('synchronous source', () => {
    const a = of(event('{x:1}@1'), event('x:2@2'), event('x:3@3'));
    const b = of(event('{z:1}@1'));
    expect(collect(mergeSources({ a, b })).got).toEqual(['{x:3 z:1}@1', '|']);
    expect(collect(mergeSources({ b, a }).pipe(take(2))).got).toEqual(['{x:1 z:1}@1', 'x:1>2@2', '|']);
  });

  it('re-entrant consumer', () => {
    const { files, memory, source } = merged();
    const { got } = collect(
      source.pipe(
        tap((one) => {
          if (one.type === 'change' && one.changes[0]?.from === 'files') memory.tell('z:9>8@4');
        }),
      ),
    );
    files.tell('{x:1}@10');
    memory.tell('{z:9}@3');
    files.tell('x:1>2@11', 'x:2>3@12');
    expect(got.slice(1, 4)).toEqual(['x:1>2@2', 'z:9>8@3', 'x:2>3@4']);
  });

  it('second resync while the first is open', () => {
    const { files, memory, claims, since } = started('{x:1}@10', '{z:9}@3');
    files.tell('{x:2}@11 requested');
    memory.tell('{z:8}@4 reconnected', 'z:8>7@5');
    expect(since()).toEqual(['{x:1>2 z:9@1}@2 requested']);
    claims[1]!.done();
    claims[2]!.done();
    expect(since().slice(1)).toEqual(['{x:2@2 z:9>7}@4 reconnected']);
    expect(memory.settled.slice(1)).toEqual(['{z:8}@4 reconnected applied', 'z:8>7@5 applied']);
  });

  it('below a buffer changes wait for the resync of any source', () => {
    const { files, memory, source } = merged();
    const { got, claims } = claiming(source.pipe(bufferDuringResync()));
    files.tell('{x:1}@10');
    memory.tell('{z:9}@3', 'z:9>8@4');
    expect(got).toEqual(['{x:1 z:9}@1']);
    claims[0]!.done();
    expect(got.slice(1)).toEqual(['z:9>8@2']);
  });

  it('memory released', () => {
    const { files, memory, claims, unsubscribe, got } = started('{x:1}@10', '{z:9}@3');
    files.tell('{x:2}@11 requested', 'x:2>3@12');
    unsubscribe();
    expect([files.open, memory.open, files.subscribed, memory.subscribed]).toEqual([0, 0, false, false]);
    claims[1]!.done();
    expect(got).toHaveLength(3);
  });
});
