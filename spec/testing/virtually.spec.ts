import { asyncScheduler, NEVER, Subject, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { faults, frames, notation, scriptedBackend, virtually } from '../../lib/testing/index.ts';

const config = { prefixes: [''], codec: jsonCodec<number>() };

describe('virtually', () => {
  it('runs what is due, and no more', () => {
    const ran: number[] = [];
    virtually((time) => {
      for (const ms of [10, 20, 30]) timer(ms).subscribe(() => ran.push(time.now));
      time.advance(20);
      expect([ran, time.timers]).toEqual([[10, 20], 1]);
      time.advance(10);
    });
    expect(ran).toEqual([10, 20, 30]);
  });

  it('sets the clock without touching a timer', () => {
    virtually((time) => {
      const ran: number[] = [];
      timer(100).subscribe(() => ran.push(asyncScheduler.now()));
      time.setClock(50_000);
      expect(asyncScheduler.now()).toBe(50_000);
      time.advance(100);
      expect(ran).toEqual([50_100]);
      time.setClock(-10);
      expect(asyncScheduler.now()).toBe(-10);
    });
  });

  it('refuses an async test, and swallows what becomes of it', () => {
    const test = async (): Promise<void> => {
      await Promise.resolve();
      throw new Error('unhandled, this would fail the run');
    };
    expect(() => virtually(test)).toThrow('the test must not be async');
  });

  it.each([
    ['a timer', () => void timer(1).subscribe(), 'timers that are left: 1'],
    ['an error that nobody handles', () => void throwError(() => new Error('of a source')).subscribe(), 'of a source'],
    [
      'an exception of a consumer',
      () => {
        const events = new Subject<void>();
        events.subscribe(() => {
          throw new Error('of a consumer');
        });
        events.next();
      },
      'of a consumer',
    ],
    [
      'an open connection',
      () => void fromBackend(scriptedBackend(), config).subscribe(),
      'connections that are left open: 1',
    ],
    [
      'a frame that nobody settles',
      () => {
        const backend = scriptedBackend();
        backend.open({ prefixes: [''], added: [''], from: undefined, ready: () => NEVER }).subscribe();
        backend.send(frames.changes({ x: 1 }, 1));
        backend.complete();
      },
      'frames that were not settled exactly once: open',
    ],
  ])('ends with an error over %s', (_, test, message) => {
    expect(() => virtually(test)).toThrow(message);
  });

  it('is over when it has failed: the next one knows nothing of it', () => {
    expect(() =>
      virtually(() => {
        fromBackend(scriptedBackend(), config).subscribe();
        throw new Error('early');
      }),
    ).toThrow('early');
    virtually(() => undefined);
    expect(asyncScheduler.now()).toBeGreaterThan(1e12);
  });
});

describe('scriptedBackend', () => {
  it('plays frames by hand, and says how each one was settled', () => {
    const seen: string[] = [];
    virtually((time) => {
      const backend = scriptedBackend();
      const subscription = fromBackend(backend, config).subscribe((event) => seen.push(notation.format(event)));
      backend.send(...frames.listing({ x: 1 }, 7), frames.changes({ x: 2 }, 8), frames.progress(9));
      expect(backend.settled).toEqual(['delivered', 'delivered']);
      backend.fail();
      expect(backend.live).toBe(0);
      time.advance(100);
      expect([backend.live, backend.connection.context.from]).toEqual([1, 9]);
      backend.send(frames.changes({ x: frames.bad, y: undefined }, 10));
      subscription.unsubscribe();
      expect(backend.log).toEqual(['open 1', 'close 1', 'open 2', 'close 2']);
    });
    expect(seen).toEqual(['{x:1}@7', 'x:1>2@8', 'x:2?@10']);
  });

  it('answers at once where it is told how', () => {
    const seen: string[] = [];
    virtually(() => {
      const backend = scriptedBackend({ opened: (connection) => connection.send(...frames.listing({ x: 1 }, 1)) });
      fromBackend(backend, config)
        .subscribe((event) => seen.push(notation.format(event)))
        .unsubscribe();
    });
    expect(seen).toEqual(['{x:1}@1']);
  });
});

describe('faults', () => {
  it('are nested: refused, then late, then cut', () => {
    const seen: string[] = [];
    virtually((time) => {
      const lost = new Subject<void>();
      const backend = scriptedBackend({ opened: (connection) => connection.send(...frames.listing({ x: 1 }, 1)) });
      const bad = faults.refuse(faults.cut(faults.latency(backend, 50), lost), { times: 2 });
      const subscription = fromBackend(bad, { ...config, retry: { random: () => 1 } }).subscribe((event) =>
        seen.push(`${time.now} ${notation.format(event)}`),
      );
      expect(backend.log).toEqual([]);
      time.advance(1_000);
      lost.next();
      expect(backend.live).toBe(0);
      subscription.unsubscribe();
    });
    expect(seen).toEqual(['350 {x:1}@1']);
  });
});
