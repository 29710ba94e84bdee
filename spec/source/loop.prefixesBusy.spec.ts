import { BehaviorSubject, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ResyncEvent } from '../../lib/model/events.ts';
import { ContinuityLost } from '../../lib/source/frames.ts';
import { changes, listing, page } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { type Subscribed, subscribed } from '../support/subscribed.ts';

/** Connected under `first`, with `values` told at revision 7. */
function watching(first: readonly string[], values: Record<string, number>) {
  const prefixes = new BehaviorSubject(first);
  const parts = subscribed({ prefixes });
  parts.backend.send(...listing(values, 7));
  parts.seen.take();
  parts.status.take();
  return { ...parts, prefixes };
}

const prefixesOf = ({ seen }: Subscribed) => (seen.last as ResyncEvent<number>).prefixes;

describe('prefixes that change while something is under way', () => {
  it('one added and taken away again before it was listed leaves no trace', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const prefixes = new BehaviorSubject(['a/']);
      const { backend, seen } = subscribed({ prefixes, resyncOn });
      backend.send(...listing({ 'a/x': 1 }, 7));
      prefixes.next(['a/', 'b/']);
      backend.send(page({ 'b/y': 1 }, 7));
      prefixes.next(['a/']);
      expect(backend.connection.context).toMatchObject({ prefixes: ['a/'], added: [], from: 7 });
      expect(seen.take()).toEqual(['{a/x:1}@7', '{=a/x:1}@7 prefixes']);
      backend.send(changes({ 'a/x': 2 }, 8));
      resyncOn.next();
      time.advance(100);
      backend.send(...listing({ 'a/x': 2 }, 8));
      expect(seen.take()).toEqual(['a/x:1>2@8', '{=a/x:2}@8 requested']);
    }));

  it('while the connection is down: told or listed as soon as it can be', () =>
    virtually((time) => {
      const { backend, seen, prefixes } = watching(['a/', 'b/'], { 'a/x': 1, 'b/y': 2 });
      backend.fail();
      prefixes.next(['a/']);
      expect(seen.take()).toEqual(['{a/x:1 !b/y:2}@7 prefixes']);
      prefixes.next(['a/', 'c/']);
      expect(backend.log).toEqual(['open 1', 'close 1']);
      time.advance(100);
      expect(backend.connection.context).toMatchObject({ prefixes: ['a/', 'c/'], added: ['c/'], from: 7 });
      backend.send(...listing({ 'c/z': 1 }, 7, { scope: ['c/'] }));
      expect(seen.take()).toEqual(['{a/x:1 +c/z:1}@7 prefixes']);
    }));

  it('narrowed and then only reworded while the connection is down: what is not watched any more is not shown', () =>
    virtually((time) => {
      const { backend, seen, prefixes } = watching([''], { 'a/x': 1, 'b/x': 1 });
      backend.fail(new ContinuityLost('compacted'));
      prefixes.next(['a']);
      prefixes.next(['a', 'a/']);
      expect(seen.take()).toEqual([]);
      time.advance(100);
      backend.send(...listing({ 'a/x': 1 }, 8));
      expect(seen.take()).toEqual(['{a/x:1@7 !b/x:1}@8 compacted']);
    }));

  it('while the connection is down: what was not listed is not shown, also when only the wording changes', () =>
    virtually((time) => {
      const parts = watching(['a/'], { 'a/x': 1 });
      const { backend, seen, prefixes } = parts;
      backend.fail();
      prefixes.next(['a/', 'b/']);
      prefixes.next(['a/', 'b/', 'a/x']);
      expect(seen.take()).toEqual([]);
      time.advance(100);
      backend.send(...listing({ 'b/y': 1 }, 7, { scope: ['b/'] }));
      expect(seen.take()).toEqual(['{a/x:1 +b/y:1}@7 prefixes']);
      expect(prefixesOf(parts)).toEqual(['a/', 'b/', 'a/x']);
    }));

  it('while they are listed: a resync that is told again from memory shows what it showed', () =>
    virtually((time) => {
      const prefixes = new BehaviorSubject(['a/']);
      const { backend, seen } = subscribed(
        { prefixes },
        {},
        (event) => event.epoch === 1 && event.fail(new Error('no')),
      );
      backend.send(...listing({ 'a/x': 1 }, 7));
      prefixes.next(['a/', 'b/']);
      time.advance(1_000);
      expect((seen.last as ResyncEvent<number>).prefixes).toEqual(['a/']);
      backend.send(...listing({ 'b/y': 1 }, 7, { scope: ['b/'] }));
      expect(seen.take()).toEqual(['{a/x:1}@7', '{a/x:1}@7 nacked', '{a/x:1 +b/y:1}@7 prefixes']);
    }));

  it('none at all ends a back-off and its trouble', () =>
    virtually((time) => {
      const { backend, seen, status, prefixes } = watching(['a/'], { 'a/x': 1 });
      backend.fail();
      prefixes.next([]);
      expect(seen.take()).toEqual(['{!a/x:1}@7 prefixes']);
      expect(status.last.state).toBe('live');
      expect(status.last).not.toHaveProperty('stale');
      expect(status.last).not.toHaveProperty('until');
      expect(time.timers).toBe(0);
    }));

  it('a store that cannot list at the position any more lists everything', () =>
    virtually((time) => {
      const { backend, seen, prefixes } = watching(['a/'], { 'a/x': 1 });
      prefixes.next(['a/', 'b/']);
      backend.fail(new ContinuityLost('compacted'));
      time.advance(100);
      expect(backend.connection.context).toMatchObject({ added: ['a/', 'b/'], from: undefined });
      backend.send(...listing({ 'b/y': 1 }, 9));
      expect(seen.take()).toEqual(['{!a/x:1 +b/y:1}@9 compacted']);
    }));

  it('changed inside next: the rest of what the old connection sends is not taken', () =>
    virtually(() => {
      const prefixes = new BehaviorSubject(['a/']);
      const { backend, seen } = subscribed(
        { prefixes },
        {
          opened: (connection, nth) =>
            nth === 1
              ? connection.send(...listing({ 'a/x': 1 }, 7), changes({ 'a/x': 2 }, 8))
              : connection.send(...listing({ 'b/y': 1 }, 7, { scope: ['b/'] })),
        },
        ({ type, epoch }) => {
          if (type === 'resync' && epoch === 1) prefixes.next(['a/', 'b/']);
        },
      );
      expect(seen.take()).toEqual(['{a/x:1}@7', '{a/x:1 +b/y:1}@7 prefixes']);
      expect(backend.log).toEqual(['open 1', 'close 1', 'open 2']);
    }));

  it('changed inside the resync that tells a change of them: one connection is left', () =>
    virtually(() => {
      const prefixes = new BehaviorSubject(['a/', 'b/', 'c/']);
      const next: string[][] = [['a/'], []];
      const { backend, seen } = subscribed({ prefixes }, {}, ({ type, epoch }) => {
        if (type === 'resync' && epoch > 1 && next.length > 0) prefixes.next(next.shift()!);
      });
      backend.send(...listing({ 'a/x': 1, 'b/x': 1, 'c/x': 1 }, 7));
      prefixes.next(['a/', 'b/']);
      expect(seen.take().slice(1)).toEqual([
        '{a/x:1 b/x:1 !c/x:1}@7 prefixes',
        '{a/x:1 !b/x:1}@7 prefixes',
        '{!a/x:1}@7 prefixes',
      ]);
      expect(backend.live).toBe(0);
      prefixes.next(['a/']);
      expect(backend.live).toBe(1);
      expect(backend.connections.map(({ context }) => context.prefixes)).not.toContainEqual([]);
    }));

  it('changed inside the empty resync: the state is that of the new connection', () =>
    virtually(() => {
      const prefixes = new BehaviorSubject<string[]>([]);
      const { backend, seen, status } = subscribed({ prefixes }, {}, ({ epoch }) => {
        if (epoch === 1) prefixes.next(['a/']);
      });
      expect(status.last.state).toBe('connecting');
      backend.send(...listing({ 'a/x': 1 }, 3));
      expect(seen.take()).toEqual(['{}@0', '{a/x:1}@3 prefixes']);
      expect(status.last.state).toBe('live');
    }));
});
