import { BehaviorSubject, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ResyncEvent } from '../../lib/model/events.ts';
import { changes, listing, page, progress, snapshot } from '../../lib/testing/frames.ts';
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

describe('prefixes as an Observable', () => {
  it('tell nothing before the first emission', () =>
    virtually((time) => {
      const prefixes = new Subject<string[]>();
      const resyncOn = new Subject<void>();
      const { backend, seen, status } = subscribed({ prefixes, resyncOn });
      resyncOn.next();
      time.advance(1_000);
      expect([backend.log, seen.take(), status.take()]).toEqual([[], [], ['connecting']]);
      prefixes.next(['a/']);
      expect(backend.connection.context).toMatchObject({ prefixes: ['a/'], added: ['a/'], from: undefined });
      backend.send(...listing({ 'a/x': 1 }, 7));
      expect(seen.take()).toEqual(['{a/x:1}@7']);
    }));

  it('[] tells an empty resync, and asks nobody', () =>
    virtually(() => {
      const prefixes = new BehaviorSubject<string[]>([]);
      const { backend, seen, status } = subscribed({ prefixes });
      expect([backend.log, seen.take(), status.take()]).toEqual([[], ['{}@0'], ['connecting', 'live']]);
      prefixes.next([]);
      expect(seen.take()).toEqual([]);
      prefixes.next(['a/']);
      backend.send(...listing({ 'a/x': 1 }, 7));
      expect(seen.take()).toEqual(['{a/x:1}@7 prefixes']);
      prefixes.next([]);
      expect(seen.take()).toEqual(['{!a/x:1}@7 prefixes']);
      expect(backend.log).toEqual(['open 1', 'close 1']);
      expect(seen.events.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    }));

  it('an added one is listed alone, at the position; the resync shows everything', () =>
    virtually(() => {
      const parts = watching(['a/'], { 'a/x': 1 });
      const { backend, seen, prefixes } = parts;
      backend.send(progress(8));
      prefixes.next(['b/', 'a/']);
      expect(backend.log).toEqual(['open 1', 'close 1', 'open 2']);
      expect(backend.connection.context).toMatchObject({ prefixes: ['a/', 'b/'], added: ['b/'], from: 8 });
      backend.send(...listing({ 'b/y': 2 }, 8, { scope: ['b/'] }), changes({ 'a/x': 3 }, 9));
      expect(seen.take()).toEqual(['{a/x:1@7 +b/y:2}@8 prefixes', 'a/x:1>3@9']);
      expect(prefixesOf(watching(['b/', 'a/', 'b/'], {}))).toEqual(['b/', 'a/']);
    }));

  it('a backend without positions lists everything again', () =>
    virtually(() => {
      const prefixes = new BehaviorSubject(['a/']);
      const { backend, seen } = subscribed({ prefixes }, { revision: 'subscription' });
      backend.send(page({ 'a/x': 1, 'a/y': 1 }), { type: 'snapshot' });
      prefixes.next(['a/', 'b/']);
      expect(backend.connection.context).toMatchObject({ added: ['a/', 'b/'], from: undefined });
      backend.send(page({ 'a/x': 2, 'b/z': 1 }), { type: 'snapshot' });
      expect(seen.take()).toEqual(['{a/x:1 a/y:1}@1', '{a/x:1>2 !a/y:1 +b/z:1}@2 prefixes']);
    }));

  it('a removed one is told at once, and the watch goes on where it stands', () =>
    virtually(() => {
      const { backend, seen, prefixes } = watching(['a/', 'b/'], { 'a/x': 1, 'b/y': 2 });
      prefixes.next(['b/']);
      expect(seen.take()).toEqual(['{!a/x:1 b/y:2}@7 prefixes']);
      expect(backend.log).toEqual(['open 1', 'close 1', 'open 2']);
      expect(backend.connection.context).toMatchObject({ prefixes: ['b/'], added: [], from: 7 });
      backend.send(changes({ 'b/y': 3, 'a/x': 9 }, 8));
      expect(seen.take()).toEqual(['b/y:2>3@8']);
    }));

  it('one removed and one added at once are one resync', () =>
    virtually(() => {
      const { backend, seen, prefixes } = watching(['a/', 'b/'], { 'a/x': 1, 'b/y': 2 });
      prefixes.next(['b/', 'c/']);
      expect(seen.take()).toEqual([]);
      expect(backend.connection.context).toMatchObject({ prefixes: ['b/', 'c/'], added: ['c/'], from: 7 });
      backend.send(...listing({ 'c/z': 3 }, 7, { scope: ['c/'] }));
      expect(seen.take()).toEqual(['{!a/x:1 b/y:2 +c/z:3}@7 prefixes']);
    }));

  it('overlap: what is covered already is not listed again, but named', () =>
    virtually(() => {
      const parts = watching(['a/', 'a/b/'], { 'a/b/x': 1 });
      const { backend, seen, prefixes } = parts;
      expect(backend.connection.context).toMatchObject({ prefixes: ['a/'], added: ['a/'] });
      prefixes.next(['a/']);
      prefixes.next(['a/', 'a/c/']);
      expect(seen.take()).toEqual(['{=a/b/x:1}@7 prefixes', '{=a/b/x:1}@7 prefixes']);
      expect(prefixesOf(parts)).toEqual(['a/', 'a/c/']);
      expect(backend.log).toEqual(['open 1']);
      prefixes.next(['a/c/', 'a/']);
      expect(seen.take()).toEqual([]);
    }));

  it('narrower is told at once, wider is listed', () =>
    virtually(() => {
      const { backend, seen, prefixes } = watching(['a/'], { 'a/b/x': 1, 'a/y': 2 });
      prefixes.next(['a/b/']);
      expect(seen.take()).toEqual(['{a/b/x:1 !a/y:2}@7 prefixes']);
      expect(backend.connection.context).toMatchObject({ added: [], from: 7 });
      prefixes.next(['']);
      expect(backend.connection.context).toMatchObject({ prefixes: [''], added: [''], from: 7 });
      backend.send(...listing({ 'a/b/x': 1, 'a/y': 2, z: 3 }, 7, { scope: [''] }));
      expect(seen.take()).toEqual(['{a/b/x:1 +a/y:2 +z:3}@7 prefixes']);
    }));

  it('their error ends the subscription, their completion leaves the last list', () =>
    virtually(() => {
      const { backend, seen, prefixes } = watching(['a/'], { 'a/x': 1 });
      prefixes.complete();
      backend.send(changes({ 'a/x': 2 }, 8));
      expect(seen.take()).toEqual(['a/x:1>2@8']);
      const other = watching(['a/'], { 'a/x': 1 });
      const error = new Error('no list');
      other.prefixes.error(error);
      expect(other.seen.errors).toMatchObject([
        {
          code: 'INVALID_CONFIG',
          cause: error,
          message: "[rx-datasync/scripted] the Observable of 'prefixes' failed: no list",
        },
      ]);
      expect(other.backend.live).toBe(0);
    }));

  it.each([
    ['a/', 'not "a/"'],
    [7, 'not 7'],
    [null, 'not null'],
    [['a/', 7], 'but element 1 is 7'],
  ])('%j instead of a list of texts ends it with INVALID_CONFIG', (list, found) =>
    virtually(() => {
      const { seen } = subscribed({ prefixes: new BehaviorSubject(list as never) });
      expect(seen.errors).toMatchObject([
        {
          code: 'INVALID_CONFIG',
          message: `[rx-datasync/scripted] each emission of 'prefixes' must be an array of texts, ${found}`,
        },
      ]);
    }),
  );

  it('the snapshot may be empty', () =>
    virtually(() => {
      const { backend, seen, prefixes } = watching(['a/'], { 'a/x': 1 });
      prefixes.next(['a/', 'b/']);
      backend.send(snapshot(7, { scope: ['b/'] }));
      expect(seen.take()).toEqual(['{=a/x:1}@7 prefixes']);
    }));
});
