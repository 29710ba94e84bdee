import { EMPTY, NEVER, of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { withPrefix } from '../../lib/operators/withPrefix.ts';
import { notation } from '../../lib/testing/notation.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { collect, type Event, event, Producer } from './support.ts';

/** What is left of events under `a`. */
function parts(...texts: string[]): Event[] {
  const got: Event[] = [];
  of(...texts.map((text) => event(text)))
    .pipe(withPrefix('a'))
    .subscribe((one) => got.push(one));
  return got;
}

describe('withPrefix', () => {
  it('passes the part of each event', () => {
    const values = { R: '{a1:1 b1:2}@1', a: 'a1:2,b1:3@2', b: 'b1:4@3', c: '!a1@4' };
    const expected = { R: '{a1:1}@1', a: 'a1:2@2', c: '!a1@4' };
    runMarbles(({ cold, expectEvents }) => {
      expectEvents(cold('-R-a-b-c-|', values).pipe(withPrefix('a'))).toBe('-R-a---c-|', expected);
    });
  });

  it('passes every resync, also an empty one, with this prefix alone', () => {
    const got: Event[] = [];
    of(event('{b1:2}@1'))
      .pipe(withPrefix('a'))
      .subscribe((one) => got.push(one));
    expect(got).toMatchObject([{ prefixes: ['a'], revision: 1, entries: { items: [] }, diff: { added: [] } }]);
  });

  it.each([
    [[''], ['a/b/']],
    [['a/', 'c/'], ['a/b/']],
    [['a/b/'], ['a/b/']],
    [
      ['a/b/c/', 'a/b/d/', 'a/c/'],
      ['a/b/c/', 'a/b/d/'],
    ],
    [['c/'], []],
    [[], []],
  ])('of what is watched under %j it claims %j and no more', (prefixes, expected) => {
    const got: Event[] = [];
    const resync = event('{}@1');
    of(resync.type === 'resync' ? resync.with({ prefixes }) : resync)
      .pipe(withPrefix('a/b/'))
      .subscribe((one) => got.push(one));
    expect(got).toMatchObject([{ prefixes: expected }]);
  });

  it.each([
    ['{+a1:1 +b1:1}@1', '{+a1:1}@1'],
    ['{a1:1>2 b1:1>2}@2 requested', '{a1:1>2}@2 requested'],
    ['{=a2:1 !a1:1 !b1:2}@2', '{=a2:1 !a1:1}@2'],
    ['{a1:? b1:?}@1', '{a1:?}@1'],
    ['{a1:1? b1:?}@1', '{a1:1?}@1'],
    ['a1:?,b1:1@2', 'a1:?@2'],
    ['a1:1,b1:?@2', 'a1:1@2'],
    ['~a1:1>2,b1:?@2', '~a1:1>2@2'],
  ])('of %s leaves %s', (text, expected) => {
    expect(parts(text)).toEqual([notation.expectation(expected)]);
  });

  it('keeps revision and epoch, so that there are gaps', () => {
    const got: Event[] = [];
    of(event('{a1:1}@1', 7), event('b1:1@2', 7), event('a1:2@3', 7))
      .pipe(withPrefix('a'))
      .subscribe((one) => got.push(one));
    expect(got.map(({ revision, epoch }) => [revision, epoch])).toEqual([
      [1, 7],
      [3, 7],
    ]);
  });

  it('a prefix is text, and not stripped: a/b is under a, A and ba are not', () => {
    expect(parts('{a:1 "a/b":2 ab:3 A:4 ba:5}@1')).toEqual([notation.expectation('{a:1 "a/b":2 ab:3}@1')]);
  });

  it("'' is everything", () => {
    const given = event('{b:1 a:2}@1');
    const got: Event[] = [];
    of(given)
      .pipe(withPrefix(''))
      .subscribe((one) => got.push(one));
    expect(got).toEqual([given]);
  });

  it('a change that says nothing here is delivered, the others settle as whoever gets them says', () => {
    const producer = new Producer();
    producer.source.pipe(withPrefix('a')).subscribe((one) => one.fail('no'));
    producer.tell('{b:1}@1', 'b:2@2', 'a:1@3');
    expect(producer.settled).toEqual(['{b:1}@1 failed', 'b:2@2 delivered', 'a:1@3 failed']);
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(withPrefix('a'))).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(withPrefix('a'))).got).toEqual([]);
  });

  it('source error', () => {
    runMarbles(({ cold, expectEvents }) => {
      expectEvents(cold('-R#', { R: '{a:1}@1' }, 'no').pipe(withPrefix('a'))).toBe('-R#', { R: '{a:1}@1' }, 'no');
    });
  });

  it('early unsubscribe', () => {
    runMarbles(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold('-R-a', { R: '{a:1}@1', a: 'a:2@2' });
      expectEvents(source.pipe(withPrefix('a')), '^-!').toBe('-R', { R: '{a:1}@1' });
      expectSubscriptions(source.subscriptions).toBe('^-!');
    });
  });

  it('synchronous source', () => {
    const source = of(event('{a:1}@1'), event('b:1@2'), event('a:2@3'), event('a:3@4'));
    expect(collect(source.pipe(withPrefix('a'), take(2))).got).toEqual(['{a:1}@1', 'a:2@3', '|']);
  });

  it('re-entrant consumer', () => {
    const source = new Subject<Event>();
    const got: number[] = [];
    source.pipe(withPrefix('a')).subscribe(({ revision }) => {
      got.push(revision);
      if (revision === 1) source.next(event('a:2@2'));
    });
    source.next(event('{a:1}@1'));
    expect(got).toEqual([1, 2]);
  });

  it('a prefix that is no text is refused at once', () => {
    const wrong = {
      code: 'INVALID_CONFIG',
      message: "[rx-datasync] withPrefix: the option 'prefix' must be a text, not 5",
    };
    expect(() => withPrefix(5 as never)).toThrow(expect.objectContaining(wrong) as Error);
    expect(() => withPrefix(undefined as never)).toThrow("withPrefix: the option 'prefix' is missing");
  });
});
