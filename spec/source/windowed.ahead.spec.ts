import { concat, of, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { RawEntry } from '../../lib/source/frames.ts';
import { type WindowedStore, windowed } from '../../lib/source/windowed.ts';
import { HandStore } from '../support/handStore.ts';

/** Has changes told of one key at a time, as `key:value`; `tells` is called with how many there have been. */
function opened(store: WindowedStore, tells: (count: number) => void = () => undefined): string[] {
  const told: string[] = [];
  const context = { prefixes: [''], added: [''], from: undefined, ready: () => of(undefined) };
  windowed({ ...store, batch: 1 })
    .open(context)
    .subscribe((frame) => {
      if (frame.type !== 'changes') return void told.push(frame.type);
      for (const change of frame.changes) told.push(`${change.key}:${'value' in change ? change.value : ''}`);
      tells(told.length);
    });
  return told;
}

const byte = (value: number): Uint8Array => Uint8Array.of(value);

describe('windowed reads ahead', () => {
  it('the next batch is asked for before one is told, and one only', () => {
    const hand = new HandStore();
    const asked: string[] = [];
    const told = opened(hand.store, () => asked.push(...hand.log.slice(2)));
    hand.start();
    hand.write({ x: 1, y: 1, z: 1 });
    hand.answer();
    // Written as JSON.
    expect(told).toEqual(['page', 'snapshot', `x:${'1'.charCodeAt(0)}`]);
    expect(asked).toEqual(['read x', 'read y']);
  });

  /** A store that lets its first read wait, and then answers at once. */
  function ahead(hand: HandStore) {
    const first = new Subject<readonly RawEntry[]>();
    const read = (keys: readonly string[]) => {
      const now = of(keys.map((key) => ({ key, value: byte(hand.values[key]!) })));
      return keys[0] === 'x' ? concat(first, now) : now;
    };
    return { first, store: { ...hand.store, read } };
  }

  it('what is answered at once is told after what was read before, also where that touches it again', () => {
    const hand = new HandStore();
    const { first, store } = ahead(hand);
    const told = opened(store, (count) => {
      // By now y has been read.
      if (count === 2) hand.write({ y: 2, z: 1 });
    });
    hand.announcements.next('armed');
    hand.write({ x: 1, y: 1 });
    hand.listing.complete();
    first.complete();
    expect(told).toEqual(['snapshot', 'x:1', 'y:1', 'y:2', 'z:1']);
  });

  it('what has been read when all is replaced is told before the listing', () => {
    const hand = new HandStore();
    const { first, store } = ahead(hand);
    const told = opened({ ...store, list: () => of([]) }, (count) => {
      if (count === 3) hand.announcements.next('replaced');
    });
    hand.announcements.next('armed');
    hand.write({ x: 1, y: 1, z: 1 });
    first.complete();
    expect(told).toEqual(['page', 'snapshot', 'x:1', 'y:1', 'page', 'snapshot']);
  });

  it('what was taken may be touched again, any number of times', () => {
    const hand = new HandStore();
    const read = (keys: readonly string[]) => of(keys.map((key) => ({ key, value: byte(hand.values[key]!) })));
    const told = opened({ ...hand.store, read });
    hand.start();
    for (let round = 1; round <= 3; round++) for (const key of 'xyx') hand.write({ [key]: round });
    expect(told.slice(2)).toEqual([1, 2, 3].flatMap((round) => [`x:${round}`, `y:${round}`, `x:${round}`]));
  });
});
