import { describe, expect, it } from 'vitest';
import type { DatasyncError } from '../../lib/model/errors.ts';
import type { Frame, RawChange } from '../../lib/source/frames.ts';
import { changes, listing, page, progress, raw, snapshot } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

/** Told: x = 1 and y = 1 at 7, x = 2 at 8. */
function told() {
  const parts = subscribed();
  parts.backend.send(...listing({ x: 1, y: 1 }, 7), changes({ x: 2 }, 8));
  parts.seen.take();
  parts.status.take();
  return parts;
}

const put = (key: string, value: unknown, revision?: number): RawChange => ({
  op: 'put',
  key,
  value: raw(value),
  ...(revision === undefined ? {} : { revision }),
});

describe('what was sent late or twice is dropped and counted', () => {
  const dropped: [string, Frame<number>][] = [
    ['an older change', changes({ x: 1 }, 7)],
    ['the last one again', changes({ x: 2 }, 8)],
    ['the last one again, at another position', changes({ x: 2 }, 8, { position: 80 })],
    ['a delete of what is not there, at the same revision', changes({ gone: undefined }, 8)],
    ['the same revision, outside', changes({ x: 2 }, 8)],
  ];
  it.each(dropped)('%s', (_, frame) =>
    virtually((time) => {
      const { backend, seen, status } = told();
      backend.send(frame, frame);
      expect(seen.take()).toEqual([]);
      expect(backend.settled.slice(2)).toEqual(['superseded', 'superseded']);
      backend.send(changes({ x: 3 }, 9));
      expect(seen.take()).toEqual(['x:2>3@9']);
      backend.fail();
      expect(status.last.dropped).toBe(2);
      time.advance(100);
      expect(backend.connection.context.from).toBe(9);
    }),
  );

  it('also a value that cannot be decoded, and one with a revision of its own', () =>
    virtually(() => {
      const { backend, seen } = told();
      const frame: Frame<number> = {
        type: 'changes',
        changes: [put('x', 3, 8), { op: 'put', key: 'y', value: new Uint8Array([1]) }],
        revision: 9,
      };
      backend.send(frame, frame);
      expect(seen.take()).toEqual(['x:2>3@8,y:1?@9']);
      expect(backend.settled.slice(2)).toEqual(['delivered', 'superseded']);
    }));

  it('an old change after a reconnect', () =>
    virtually((time) => {
      const { backend, seen, status } = told();
      backend.fail();
      time.advance(100);
      backend.send(changes({ x: 1 }, 7), changes({ x: 2 }, 8));
      expect(status.last.state).toBe('connecting');
      backend.send(changes({ x: 3 }, 9));
      expect(seen.take()).toEqual(['x:2>3@9']);
      expect(status.last).toMatchObject({ state: 'live', dropped: 2 });
    }));
});

describe('what contradicts is answered by a resync that says inconsistent', () => {
  const malformed = (frame: object) => frame as Frame<number>;
  const broken: [string, Frame<number>][] = [
    ['an equal revision with other content', changes({ x: 9 }, 8)],
    ['the rest of a transaction in a frame of its own', changes({ z: 1 }, 8)],
    ['an equal revision that deletes', changes({ x: undefined }, 8)],
    ['a change without a revision', changes({ x: 3 })],
    ['an unsafe revision', changes({ x: 3 }, 2 ** 53)],
    ['a negative one', changes({ x: 3 }, -1)],
    ['a fractional one', changes({ x: 3 }, 8.5)],
    ['a text', malformed({ ...changes({ x: 3 }), revision: '9' })],
    ['a snapshot that goes back', snapshot(6)],
    ['a snapshot without a revision', snapshot()],
    ['progress at an unsafe revision', progress(2 ** 60)],
    ['progress that is not a number', malformed({ type: 'progress', revision: Number.NaN })],
    ['an unknown frame', malformed({ type: 'chagnes', changes: [] })],
    ['no frame', null as never],
    ['changes without changes', malformed({ type: 'changes', revision: 9 })],
    ['changes without a key', malformed({ type: 'changes', revision: 9, changes: [put('x', 3), { op: 'delete' }] })],
    ['a change with another op', malformed({ type: 'changes', revision: 9, changes: [{ ...put('x', 3), op: 'set' }] })],
    ['a put without a value', malformed({ type: 'changes', revision: 9, changes: [{ op: 'put', key: 'x' }] })],
    ['a value that is no bytes', malformed({ type: 'page', entries: [{ key: 'x', value: 'text' }] })],
    ['a page without entries', malformed({ type: 'page' })],
    ['a page with a hole', malformed({ type: 'page', entries: [null] })],
  ];
  it.each(broken)('%s', (_, frame) =>
    virtually((time) => {
      const { backend, seen, status } = told();
      backend.send(frame, changes({ x: 77 }, 10));
      expect(seen.take()).toEqual([]);
      expect(status.last).toMatchObject({ state: 'backoff', cause: { code: 'CONTRACT_BROKEN' }, stale: { since: 0 } });
      expect((status.last.cause as DatasyncError).message).toMatch(/^\[rx-datasync\/scripted\] the backend sent /);
      time.advance(100);
      expect(backend.connection.context.from).toBeUndefined();
      backend.send(...listing({ x: 3, y: 1 }, 9));
      expect(seen.take()).toEqual(['{x:2>3 y:1@7}@9 inconsistent']);
      expect(status.last).not.toHaveProperty('stale');
    }),
  );

  it('changes before the snapshot', () =>
    virtually((time) => {
      const { backend, seen } = subscribed();
      backend.send(page({ x: 1 }, 7), changes({ x: 2 }, 8));
      expect(backend.settled).toEqual(['superseded']);
      time.advance(100);
      backend.send(...listing({ x: 2 }, 8));
      expect(seen.take()).toEqual(['{x:2}@8']);
    }));

  it('changes within a live listing: its pages may be older than they are', () =>
    virtually((time) => {
      const { backend, seen } = told();
      backend.send(page({ x: 2 }, 9), changes({ x: 3 }, 9), snapshot(9));
      time.advance(100);
      backend.send(...listing({ x: 3 }, 9));
      expect(seen.take()).toEqual(['{x:2>3 !y:1}@9 inconsistent']);
    }));

  it('changes behind progress', () =>
    virtually((time) => {
      const { backend, seen } = told();
      backend.send(progress(10), changes({ x: 3 }, 10));
      time.advance(100);
      backend.send(...listing({ x: 3, y: 1 }, 11));
      expect(seen.take()).toEqual(['{x:2>3 y:1@7}@11 inconsistent']);
    }));

  it('an inconsistent snapshot that went back says regressed', () =>
    virtually((time) => {
      const { backend, seen } = told();
      backend.send(snapshot(6));
      time.advance(100);
      backend.send(...listing({ x: 1 }, 6));
      expect(seen.take()).toEqual(['{x:2>1 !y:1}@6 regressed']);
    }));

  it('a backend that always does it is slowed down like one that breaks', () =>
    virtually((time) => {
      const { backend } = subscribed(
        {},
        { opened: (connection) => connection.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 7)) },
      );
      time.advance(10_000);
      expect(backend.connections.length).toBe(7);
    }));
});

describe('a backend without revisions of its own', () => {
  it('is counted for: each snapshot and each change that says something is one more', () =>
    virtually(() => {
      const { backend, seen } = subscribed({}, { revision: 'subscription' });
      backend.send(page({ x: 1 }), { type: 'snapshot' }, changes({ x: 1 }), changes({ x: 2, y: 1 }), changes({ y: 1 }));
      backend.send(changes({ gone: undefined }), changes({ y: undefined }));
      expect(seen.take()).toEqual(['{x:1}@1', 'x:1>2,y:1@2', '!y:1@3']);
      expect(backend.settled).toEqual([
        'delivered',
        'superseded',
        'delivered',
        'superseded',
        'superseded',
        'delivered',
      ]);
    }));

  it('its own numbers are not looked at', () =>
    virtually(() => {
      const { backend, seen } = subscribed({}, { revision: 'subscription' });
      backend.send(...listing({ x: 1 }, 1_000), progress(2 ** 60), changes({ x: 2 }, 5), changes({ x: 3 }, 5));
      backend.send(...listing({ x: 4 }, 1), changes({ x: 5 }, 1));
      expect(seen.take()).toEqual(['{x:1@1000}@1', 'x:1>2@2', 'x:2>3@3', '~x:3>4@1@4', 'x:4>5@5']);
    }));
});

describe('what is not told', () => {
  it('deletes of unknown keys, which are counted', () =>
    virtually(() => {
      const { backend, seen, status } = told();
      backend.send(changes({ a: undefined, b: undefined }, 9), changes({ a: undefined, x: 3 }, 10));
      expect(seen.take()).toEqual(['x:2>3@10']);
      expect(backend.settled.slice(2)).toEqual(['superseded', 'delivered']);
      backend.complete();
      expect(status.last.unknownDeletes).toBe(3);
    }));

  it('an identical put; but one with a new revision of its own is', () =>
    virtually(() => {
      const { backend, seen } = told();
      backend.send(changes({ x: 2 }, 9), { type: 'changes', changes: [put('x', 2, 10)], revision: 10 });
      expect(seen.take()).toEqual(['x:2>2@10']);
    }));

  it('a key that comes twice in one frame is told once, with its last state', () =>
    virtually(() => {
      const { backend, seen } = told();
      const twice: RawChange[] = [
        put('x', 3),
        { op: 'delete', key: 'x' },
        put('x', 4),
        put('n', 1),
        { op: 'delete', key: 'n' },
      ];
      backend.send({ type: 'changes', changes: twice, revision: 9 });
      expect(seen.take()).toEqual(['x:2>4@9']);
    }));

  it('a frame that comes to nothing', () =>
    virtually(() => {
      const { backend, seen } = told();
      backend.send({ type: 'changes', changes: [put('n', 1), { op: 'delete', key: 'n' }], revision: 9 });
      backend.send({ type: 'changes', changes: [], revision: 10 });
      expect(seen.take()).toEqual([]);
      expect(backend.settled.slice(2)).toEqual(['superseded', 'superseded']);
    }));
});
