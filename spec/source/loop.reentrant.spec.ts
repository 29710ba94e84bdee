import { BehaviorSubject, Observable, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { ResyncEvent } from '../../lib/model/events.ts';
import type { SourceStatus } from '../../lib/model/status.ts';
import type { SourceConfig } from '../../lib/source/config.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { changes, listing, page, progress } from '../../lib/testing/frames.ts';
import { ScriptedBackend, type ScriptedOptions } from '../../lib/testing/scriptedBackend.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { Seen } from '../support/seen.ts';

const codec = jsonCodec<number>();

interface Inputs {
  readonly prefixes: Subject<string[]>;
  readonly resyncOn: Subject<void>;
  readonly scripted: ScriptedBackend;
}

/** Subscribed, with an observer that may act inside each status. */
function watched(
  react: (status: SourceStatus, seen: Seen<number> | undefined) => void,
  config: Partial<SourceConfig<number>> = {},
  options: ScriptedOptions<number> = {},
) {
  const backend = new ScriptedBackend(options);
  const states: string[] = [];
  const holder: { seen?: Seen<number> } = {};
  const statusObserver = {
    next: (status: SourceStatus) => {
      states.push(status.state);
      react(status, holder.seen);
    },
  };
  const source = fromBackend(backend, { prefixes: [''], codec, statusObserver, retry: { random: () => 1 }, ...config });
  const seen = new Seen(
    source,
    () => undefined,
    (early) => {
      holder.seen = early;
    },
  );
  return { backend, seen, states };
}

describe('unsubscribed inside a status', () => {
  const at = (state: SourceStatus['state']) => (status: SourceStatus, seen: Seen<number> | undefined) => {
    if (status.state === state) seen!.unsubscribe();
  };

  it('connecting: nothing is opened', () =>
    virtually(() => {
      const { backend, states } = watched(at('connecting'));
      expect([backend.log, states]).toEqual([[], ['connecting', 'closed']]);
    }));

  it('connecting, before the prefixes are known: they are not subscribed', () =>
    virtually(() => {
      const prefixes = new Subject<string[]>();
      const { states } = watched(at('connecting'), { prefixes });
      expect(prefixes.observed).toBe(false);
      expect(states).toEqual(['connecting', 'closed']);
    }));

  it('snapshotting: the page is not kept', () =>
    virtually(() => {
      const { backend, seen, states } = watched(at('snapshotting'));
      backend.send(...listing({ x: 1 }, 1));
      expect([seen.take(), states]).toEqual([[], ['connecting', 'snapshotting', 'closed']]);
    }));

  it('live: the resync is not told', () =>
    virtually(() => {
      const { backend, seen, states } = watched(at('live'));
      backend.send(...listing({ x: 1 }, 1));
      expect([seen.take(), states]).toEqual([[], ['connecting', 'snapshotting', 'live', 'closed']]);
    }));

  it('backoff: no timer is left', () =>
    virtually((time) => {
      const { backend, states } = watched(at('backoff'));
      backend.fail();
      expect([time.timers, states]).toEqual([0, ['connecting', 'backoff', 'closed']]);
    }));
});

it.each([
  ['broke its contract', () => [changes({ x: 1 }, 8)], 0],
  ['fell silent', () => [], 1_000],
])('unsubscribed inside the teardown of a connection that %s: no timer is left', (_, frames, wait) =>
  virtually((time) => {
    const states: string[] = [];
    const scripted = new ScriptedBackend({ maxSilence: 1_000 });
    const open: typeof scripted.open = (context) =>
      new Observable((subscriber) => {
        subscriber.add(scripted.open(context).subscribe(subscriber));
        subscriber.add(() => seen.unsubscribe());
      });
    const statusObserver = { next: ({ state }: SourceStatus) => states.push(state) };
    const source = fromBackend({ ...scripted, open }, { prefixes: [''], codec, statusObserver });
    const seen = new Seen(source);
    scripted.send(...frames());
    time.advance(wait);
    expect([time.timers, scripted.log, states]).toEqual([0, ['open 1', 'close 1'], ['connecting', 'closed']]);
  }),
);

it.each([
  ['a relist', ({ resyncOn }: Inputs) => resyncOn.next(), ['a/', 'b/']],
  ['another list', ({ prefixes }: Inputs) => prefixes.next(['c/']), ['a/', 'b/']],
  ['an empty list', ({ prefixes }: Inputs) => prefixes.next([]), ['a/', 'b/']],
  ['a contract broken', ({ scripted }: Inputs) => scripted.send(changes({ 'a/x': 2 }, 7)), ['a/', 'b/']],
])('prefixes changed inside the teardown for %s: one connection is left', (_, act, last) =>
  virtually((time) => {
    const prefixes = new BehaviorSubject(['a/']);
    const resyncOn = new Subject<void>();
    const scripted = new ScriptedBackend();
    let first = true;
    const open: typeof scripted.open = (context) =>
      new Observable((subscriber) => {
        subscriber.add(scripted.open(context).subscribe(subscriber));
        subscriber.add(() => {
          if (first) prefixes.next(last);
          first = false;
        });
      });
    const seen = new Seen(fromBackend({ ...scripted, open }, { prefixes, resyncOn, codec }));
    scripted.send(...listing({ 'a/x': 1 }, 7));
    act({ prefixes, resyncOn, scripted });
    expect(scripted.live).toBe(1);
    expect(scripted.connection.context.prefixes).toEqual(last);
    const { added } = scripted.connection.context;
    scripted.send(...listing({ 'b/x': 1, ...(added.includes('a/') ? { 'a/x': 2 } : {}) }, 8, { scope: added }));
    expect((seen.last as ResyncEvent<number>).prefixes).toEqual(last);
    expect((seen.last as ResyncEvent<number>).entries.size).toBe(2);
    expect(time.timers).toBe(0);
  }),
);

describe('prefixes changed inside a status', () => {
  it('connecting: only the last list is opened', () =>
    virtually(() => {
      const prefixes = new Subject<string[]>();
      let known = false;
      const { backend } = watched(({ state }) => known && state === 'connecting' && prefixes.next(['b/']), {
        prefixes,
      });
      known = true;
      prefixes.next(['a/']);
      expect(backend.connections.map(({ context }) => context.prefixes)).toEqual([['b/']]);
    }));

  it.each(['snapshotting', 'live'] as const)('%s: nothing of the old connection counts', (state) =>
    virtually(() => {
      const prefixes = new BehaviorSubject(['a/']);
      const { backend, seen } = watched((status) => status.state === state && prefixes.next(['b/']), { prefixes });
      backend.connections[0]!.send(page({ 'a/x': 1, 'b/x': 1 }, 7), ...listing({}, 7));
      expect(backend.log).toEqual(['open 1', 'close 1', 'open 2']);
      backend.send(...listing({ 'b/y': 1 }, 8));
      expect(seen.take().at(-1)).toMatch(/^\{b\/y:1\}@8/);
      expect(seen.events.length).toBe(1);
    }),
  );

  it('live again: the change that made it so is told once', () =>
    virtually((time) => {
      const prefixes = new BehaviorSubject(['a/', 'b/']);
      let recovered = false;
      const react = ({ state }: SourceStatus) => {
        if (state === 'live' && recovered) prefixes.next(['a/']);
      };
      const { backend, seen } = watched(react, { prefixes });
      backend.send(...listing({ 'a/x': 1, 'b/x': 1 }, 7));
      backend.fail();
      time.advance(100);
      recovered = true;
      backend.send(changes({ 'a/x': 2 }, 8));
      expect(backend.connection.context.from).toBe(7);
      backend.send(changes({ 'a/x': 2 }, 8));
      expect(seen.take()).toEqual(['{a/x:1 b/x:1}@7', '{a/x:1 !b/x:1}@7 prefixes', 'a/x:1>2@8']);
    }));
});

describe('a resync asked for inside a status', () => {
  it('live again: it comes after the change that made it so', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      let asks = 0;
      const react = ({ state, revision }: SourceStatus) => {
        if (state === 'live' && revision !== undefined && asks++ === 0) resyncOn.next();
      };
      const { backend, seen } = watched(react, { resyncOn });
      backend.send(...listing({ x: 1 }, 7));
      backend.fail();
      time.advance(100);
      backend.send(changes({ x: 2 }, 8));
      time.advance(100);
      backend.send(...listing({ x: 2 }, 8));
      // Whether the change or the resync tells it: once, and nothing stale after the resync.
      expect(seen.take().slice(1)).toEqual(['{x:1>2}@8 requested']);
    }));

  it('stale, said by the backend: the position of that connection is forgotten', () =>
    virtually(() => {
      const resyncOn = new Subject<void>();
      const { backend, seen } = watched(({ stale }) => stale !== undefined && resyncOn.next(), { resyncOn });
      backend.send(...listing({ x: 1 }, 7), progress(9, { stale: { code: 'UNREADABLE' } as never }));
      expect(backend.connection.context.from).toBeUndefined();
      backend.send(...listing({ x: 1 }, 7));
      expect(seen.take()).toEqual(['{x:1}@7', '{=x:1}@7 requested']);
    }));
});

describe('a backend that breaks inside its own teardown', () => {
  it('stops nothing', () =>
    virtually(() => {
      const resyncOn = new Subject<void>();
      const backend = new ScriptedBackend();
      const open: typeof backend.open = (context) => {
        const frames = backend.open(context);
        return new Observable((subscriber) => {
          subscriber.add(() => {
            throw new Error('teardown');
          });
          subscriber.add(frames.subscribe(subscriber));
        });
      };
      const source = fromBackend({ ...backend, open }, { prefixes: [''], codec, resyncOn });
      const seen = new Seen(source, (event) => event.type === 'change' && event.claim());
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8));
      resyncOn.next();
      expect(backend.log).toEqual(['open 1', 'close 1', 'open 2']);
      seen.unsubscribe();
      expect(backend.settled).toEqual(['delivered', 'cancelled']);
    }));
});
