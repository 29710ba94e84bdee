import { EMPTY, NEVER, of, take, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Source } from '../../lib/model/events.ts';
import { ackWithCallback, type WorkResult } from '../../lib/operators/ackWithCallback.ts';
import { mergeSources } from '../../lib/operators/mergeSources.ts';
import { virtually, whenOver } from '../../lib/testing/virtually.ts';
import { StatusLog } from '../support/seen.ts';
import { collect, type Event, event, Producer } from './support.ts';

/** A merged source that is unsubscribed at the end. */
function collected(source: Source<unknown>): string[] {
  const { got, unsubscribe } = collect(source);
  whenOver(unsubscribe);
  return got;
}

describe('mergeSources waits', () => {
  it('for a source up to its own wait; then the others are told without it, and the status says so', () => {
    virtually((time) => {
      const [files, memory] = [new Producer(), new Producer()];
      const status = new StatusLog();
      const got = collected(
        mergeSources(
          { files: { source: files.source, wait: 50 }, memory: memory.source },
          { wait: 20, statusObserver: status },
        ),
      );
      memory.tell('{x:8}@3', 'x:8>7@4');
      time.advance(49);
      expect([got, memory.settled]).toEqual([[], []]);
      time.advance(1);
      expect(got).toEqual(['{x:7}@1']);
      expect(memory.settled).toEqual(['{x:8}@3 delivered', 'x:8>7@4 delivered']);
      expect(status.last).toMatchObject({ state: 'live', stale: { since: 50, cause: { code: 'NOT_READY' } } });
      time.advance(1_000);
      files.tell('{x:1}@9', 'x:1>2@10');
      expect(got.slice(1)).toEqual(['{x:7>1}@2 reconnected', 'x:1>2@3']);
      expect(status.last).not.toHaveProperty('stale');
    });
  });

  it('never tells nothing: no source that answers is not an empty one', () => {
    virtually((time) => {
      const memory = new Producer();
      const status = new StatusLog();
      const got = collected(
        mergeSources({ files: NEVER, memory: memory.source }, { wait: 10, statusObserver: status }),
      );
      time.advance(1_000);
      expect(got).toEqual([]);
      // It must not say that the others are told.
      expect(status.all.map(({ cause }) => (cause as Error | undefined)?.message).slice(1)).toEqual([
        "[rx-datasync] the source 'files' has told nothing for 10 ms; the first resync waits no longer for it",
        "[rx-datasync] the source 'memory' has told nothing for 10 ms; the first resync waits no longer for it",
      ]);
      memory.tell('{}@1');
      expect(got).toEqual(['{}@1']);
    });
  });

  it('not for one that has completed, nor longer than needed', () => {
    virtually((time) => {
      const got = collected(mergeSources({ gone: EMPTY, list: of(event('{x:1}@1')) }, { wait: 10 }));
      expect([got, time.timers]).toEqual([['{x:1}@1', '|'], 0]);
    });
  });

  it('with Infinity for ever', () => {
    virtually((time) => {
      const memory = new Producer();
      const got = collected(mergeSources({ files: NEVER, memory: memory.source }, { wait: Infinity }));
      memory.tell('{x:1}@1');
      expect(time.timers).toBe(0);
      expect(got).toEqual([]);
    });
  });

  it('for the resync of each: a change before it is dropped, and the status says so once', () => {
    virtually(() => {
      const [files, memory] = [new Producer(), new Producer()];
      const status = new StatusLog();
      const got = collected(mergeSources({ files: files.source, memory: memory.source }, { statusObserver: status }));
      files.tell('x:1@8', 'x:2@9', '{x:2}@9');
      memory.tell('{}@1');
      expect(got).toEqual(['{x:2}@1']);
      expect(files.settled.slice(0, 2)).toEqual(['x:1@8 superseded', 'x:2@9 superseded']);
      expect(status.all.filter(({ cause }) => cause !== undefined)).toMatchObject([
        {
          cause: {
            code: 'CONTRACT_BROKEN',
            message:
              "[rx-datasync] the source 'files' told a change before its first resync, which is dropped: it needs bufferDuringResync()",
          },
        },
      ]);
      expect(status.last.dropped).toBe(2);
    });
  });

  it('and cancels what waits when it is unsubscribed', () => {
    virtually(() => {
      const memory = new Producer();
      const { got, unsubscribe } = collect(mergeSources({ files: NEVER, memory: memory.source }));
      memory.tell('{x:1}@1', 'x:1>2@2');
      unsubscribe();
      expect([got, memory.settled]).toEqual([[], ['{x:1}@1 cancelled', 'x:1>2@2 cancelled']]);
    });
  });
});

describe("mergeSources, onError: 'status'", () => {
  it('goes on without the source; what it told stays, and the status says so', () => {
    virtually(() => {
      const [files, memory] = [new Producer(), new Producer()];
      const status = new StatusLog();
      const sources = { files: { source: files.source, onError: 'status' as const }, memory: memory.source };
      const got = collected(mergeSources(sources, { statusObserver: status }));
      files.tell('{x:1}@1');
      memory.tell('{x:8 z:9}@1');
      const denied = new Error('denied');
      files.error(denied);
      memory.tell('x:8>7@2', 'z:9>8@3');
      expect(got).toEqual(['{x:1 z:9}@1', 'z:9>8@2']);
      expect(status.last).toMatchObject({ state: 'live', stale: { cause: denied } });
      // Nobody else is left.
      memory.error(new Error('no route'));
      expect(got.at(-1)).toBe('# no route');
    });
  });

  it('does not wait for it', () => {
    const failing = throwError(() => new Error('denied'));
    const { got, unsubscribe } = collect(
      mergeSources({ failing, memory: of(event('{x:1}@1')) }, { onError: 'status' }),
    );
    expect(got).toEqual(['{x:1}@1', '|']);
    unsubscribe();
  });

  it('the last one that fails ends all', () => {
    const failing = throwError(() => new Error('denied'));
    expect(collect(mergeSources({ a: failing, b: failing }, { onError: 'status' })).got).toEqual(['# denied']);
    expect(collect(mergeSources({ a: failing }, { onError: 'status' })).got).toEqual(['# denied']);
  });

  it('takes what is no event as an error of its source', () => {
    const impostor = of({ ...event('{x:1}@1') } as Event);
    expect(collect(mergeSources({ impostor, memory: NEVER })).got).toEqual([expect.stringContaining('event.with()')]);
  });
});

describe('mergeSources settles each event once', () => {
  const works: Readonly<Record<string, () => WorkResult>> = {
    'a synchronous throw': () => {
      throw new Error('no');
    },
    'an asynchronous throw': () => throwError(() => new Error('no')),
    'work that never ends': () => NEVER,
    'work that ends': () => timer(1),
  };

  it.each(Object.keys(works))('%s', (name) => {
    virtually((time) => {
      const [a, b] = [new Producer(), new Producer()];
      const source = mergeSources({ a: a.source, b: b.source }, { delivery: { redeliver: { count: 0 } } });
      const work = works[name]!;
      const subscription = source.pipe(ackWithCallback({ resync: work, change: work }, { timeout: 5 })).subscribe();
      a.tell('{x:1}@1');
      b.tell('{x:8}@1', 'x:8>9@2', 'z:1@3');
      a.tell('!x:1@2');
      time.advance(100);
      expect([a.open, b.open]).toEqual([0, 0]);
      subscription.unsubscribe();
      expect([a.settled.length, b.settled.length]).toEqual([2, 3]);
    });
  });

  it('unsubscribed inside each next, after a double done', () => {
    for (const step of [1, 2, 3]) {
      const [a, b] = [new Producer(), new Producer()];
      const events: Event[] = [];
      mergeSources({ a: a.source, b: b.source })
        .pipe(take(step))
        .subscribe((one) => {
          one.done();
          one.done();
          events.push(one);
        });
      a.tell('{x:1}@1');
      b.tell('{z:1}@1', 'z:1>2@2');
      a.tell('!x:1@2', 'x:1@3');
      expect([events.length, a.open, b.open, a.subscribed, b.subscribed]).toEqual([step, 0, 0, false, false]);
      expect(new Set([...a.settled, ...b.settled]).size).toBe(a.settled.length + b.settled.length);
    }
  });
});

describe('mergeSources refuses at once', () => {
  const source: Source<number> = NEVER;
  it.each<[unknown, unknown, string]>([
    [{}, {}, 'there must be at least one source'],
    [[source], {}, 'the options must be an object, not an array'],
    [
      { a: Promise.resolve(source) },
      {},
      "the option 'a' must be an Observable, or { source, wait, onError }, not a Promise",
    ],
    [{ files: 1 }, {}, "'files' must be an Observable, or { source, wait, onError }, not 1"],
    [{ files: undefined }, {}, "the source 'files' is missing"],
    [{ files: { wait: 1 } }, {}, "the source 'files' is missing"],
    [{ files: { source, wait: -1 } }, {}, "'files.wait' must be a number of milliseconds"],
    [{ files: { source, priority: 1 } }, {}, "unknown option 'files.priority'"],
    [{ files: source, 1: source }, {}, "may not be called '1'"],
    [{ files: source }, { onError: 'ignore' }, "'onError' must be 'end' or 'status'"],
    [{ files: source }, { delivery: { queue: -1 } }, "'delivery.queue' must be"],
  ])('%j with %j', (sources, config, message) => {
    expect(() => mergeSources(sources as { a: Source<number> }, config as object)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringContaining(message) as unknown,
      }) as Error,
    );
  });
});
