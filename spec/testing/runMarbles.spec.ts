import { delay, map, NEVER, of, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DatasyncError } from '../../lib/model/errors.ts';
import { ChangeEvent, type DatasyncEvent } from '../../lib/model/events.ts';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { type MarbleHelpers, runMarbles } from '../../lib/testing/runMarbles.ts';

const values = { R: '{x:1}@7', a: 'x:2@8', b: '!x@9' };

/** The message a marble test fails with. */
function failure(test: (helpers: MarbleHelpers) => void): string {
  try {
    runMarbles(test);
  } catch (error) {
    return (error as Error).message;
  }
  return expect.fail('the marble test passed');
}

describe('runMarbles', () => {
  it('runs the example of its doc comment', () => {
    runMarbles(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold('  -a-R----b-|', values);
      const subs = '         ^---------!';
      const expected = '     ---(Ra)-b-|';
      expectEvents(source.pipe(bufferDuringResync())).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('takes events, states and signals as values, and gives hot ones their start', () => {
    runMarbles(({ cold, hot, expectEvents, time }) => {
      const put = ChangeEvent.put('x', 2, 8);
      expectEvents(hot('-a-^-b-a|', { ...values, a: put }).pipe(delay(time('--|')))).toBe('----b-(a|)', {
        b: '!x@9',
        a: put,
      });
      expectEvents(cold('1-2', { 2: '{x:1}' })).toBe('1-2', { 2: '{x:1}' });
      expectEvents(timer(1_000).pipe(map(() => ({ n: 1 })))).toBe('1s (c|)', { c: { n: 1 } });
    });
  });

  it('lets the tester name the type of the values', () => {
    runMarbles(({ cold }) => {
      const typed: DatasyncEvent<number>[] = [];
      cold<number>('a|', values).subscribe((event) => typed.push(event));
    });
  });

  it('refuses an async test: what it expects after an await would be compared with nothing', async () => {
    const late: ((helpers: MarbleHelpers) => unknown)[] = [
      ({ cold, expectEvents }) => expectEvents(cold('R', values)).toBe('a', values),
      ({ hot }) => hot('R', values),
      ({ expectEvents }) => expectEvents(of(1)).toBe('(1|)'),
      ({ expectValues }) => expectValues(of(1)).toBe('(2|)'),
      ({ expectSubscriptions }) => expectSubscriptions([]).toBe([]),
      ({ time }) => time('-|'),
      ({ flush }) => flush(),
    ];
    for (const use of late) {
      const test = runMarbles(async (helpers) => {
        await Promise.resolve();
        use(helpers);
      });
      await expect(test).rejects.toThrow('must not be async');
    }
  });

  it('unsubscribes when told, and returns what the test returned', () => {
    const result = runMarbles(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold('-R-a-b', values);
      expectEvents(source, '-^--!').toBe('--R', values);
      expectSubscriptions(source.subscriptions).toBe('-^--!');
      return 7;
    });
    expect(result).toBe(7);
  });

  it('knows an expected error by itself, its message or its code', () => {
    runMarbles(({ cold, expectEvents }) => {
      const error = new DatasyncError('FATAL', 'gone');
      const source = cold('-#', {}, error);
      expectEvents(source).toBe('-#', {}, error);
      expectEvents(source).toBe('-#', {}, 'FATAL');
      expectEvents(source).toBe('-#', {}, '[rx-datasync] gone');
      expectEvents(source).toBe('-#', {}, new DatasyncError('FATAL', 'gone'));
      expectEvents(cold('-#')).toBe('-#');
    });
  });

  it('shows frame, expected and actual in the notation', () => {
    const message = failure(({ cold, expectEvents }) => {
      const got = { ...values, a: 'x:1>3@8', c: '~y:1@10' };
      expectEvents(cold('R-a-b-c|', got)).toBe('R-a--b-#', values);
    });
    expect(message.split('\n')).toEqual([
      'the marbles differ at frame 2',
      '    frame  expected  actual',
      '        0  {x:1}@7   {x:1}@7',
      '✗       2  x:2@8     x:3@8',
      '✗       4  nothing   !x@9',
      '✗       5  !x@9      nothing',
      '✗       6  nothing   ~y:1@10',
      '✗       7  # error   |',
    ]);
  });

  it('shows all that counts when strict', () => {
    const message = failure(({ cold, expectEvents }) => {
      expectEvents(cold('a', { a: 'x:1>2@8' }), undefined, { strict: true }).toBe('a', values);
    });
    expect(message).toContain('✗       0  x:2@8     x:1>2@8');
  });

  it.each<[string, (helpers: MarbleHelpers) => void]>([
    ['expectEvents', ({ cold, expectEvents }) => void expectEvents(cold('-R', values))],
    ['expectValues', ({ expectValues }) => void expectValues(NEVER)],
    ['expectSubscriptions', ({ cold, expectSubscriptions }) => void expectSubscriptions(cold('-').subscriptions)],
  ])('%s without toBe is a failure, not a test that passes', (what, test) => {
    expect(failure(test)).toBe(`${what} without toBe: nothing was compared; say what is expected`);
  });

  it('names each toBe that was forgotten', () => {
    const message = failure(({ expectEvents, expectValues }) => {
      expectEvents(NEVER).toBe('-');
      expectEvents(NEVER);
      expectValues(NEVER);
    });
    expect(message).toContain('expectEvents, expectValues without toBe');
  });

  it('what the test throws itself, or differs, comes before that', () => {
    expect(
      failure(({ expectEvents }) => {
        expectEvents(NEVER);
        throw new Error('first');
      }),
    ).toBe('first');
  });

  it('compares plain values, texts as they are, and shows them', () => {
    const keys = { R: '{x:1}@7', a: 'x:2@8', b: '!x@9' };
    runMarbles(({ cold, expectValues }) => {
      expectValues(cold('-R-a|', keys).pipe(map(({ type }) => type))).toBe('-r-c|', { r: 'resync', c: 'change' });
      expectValues(of(1, { n: [2] }, null, undefined)).toBe('(abcd|)', { a: 1, b: { n: [2] }, c: null, d: undefined });
      expectValues(of('a', 'b')).toBe('(ab|)');
      expectValues(timer(3), '-^!').toBe('-');
    });
    const message = failure(({ expectValues }) => expectValues(of('x:1@1', 2)).toBe('(ab|)', { a: 'x:1@2', b: 2 }));
    expect(message.split('\n')[2]).toBe('✗       0  x:1@2     x:1@1');
  });

  it('keeps the cause of an unexpected error', () => {
    const cause = new Error('no route');
    const fails = () => runMarbles(({ cold, expectEvents }) => expectEvents(cold('#', {}, cause)).toBe('|'));
    expect(fails).toThrow(expect.objectContaining({ cause }));
    expect(fails).toThrow('✗       0  |         # no route');
  });

  it('shows subscriptions that differ', () => {
    const message = failure(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold('-R-|', values);
      expectEvents(source).toBe('-R-|', values);
      expectSubscriptions(source.subscriptions).toBe('^-----!');
    });
    expect(message).toBe('the subscriptions differ\n  expected  from 0 to 6\n  actual    from 0 to 3');
    const open = failure(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold('-R', values);
      expectEvents(source).toBe('-R', values);
      expectSubscriptions(source.subscriptions).toBe([]);
    });
    expect(open).toBe('the subscriptions differ\n  expected  none\n  actual    from 0 on');
  });

  it('refuses a letter without a value, and a wrong text with its column', () => {
    expect(failure(({ cold }) => cold('-R-a', { R: '{x:1}@7' }))).toContain("the marble 'a' has no value");
    expect(failure(({ cold }) => cold('-R', { R: '{x:1@7' }))).toMatch(/^\[rx-datasync\] the marble 'R': column 7: /);
    const expected = failure(({ expectEvents }) => expectEvents(NEVER).toBe('-Ra', { R: '{}@1', a: 'x' }));
    expect(expected).toMatch(/^\[rx-datasync\] the marble 'a': column 2: /);
  });
});
