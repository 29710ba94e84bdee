import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { Outcome } from '../../lib/model/ack.ts';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { Pending, toldOf } from '../../lib/source/pending.ts';
import { Shadow } from '../../lib/source/shadow.ts';
import { bad, changes, entries } from '../../lib/testing/frames.ts';
import { notation } from '../../lib/testing/notation.ts';

const everything = [''];

/** A shadow, and what a subscriber has still to be told of it. */
class World {
  readonly shadow = new Shadow<number>(jsonCodec<number>(), 'spec');
  readonly pending: Pending<number>;
  /** `8 delivered`: how the frame of a revision was settled. */
  readonly settled: string[] = [];
  revision = 0;

  constructor(limit = 1_000, values?: Record<string, unknown>) {
    this.pending = new Pending(
      {
        get: (key) => this.shadow.get(key),
        restore: (key, good) => this.shadow.restore(key, good),
        keys: () => this.shadow.keys(),
        snapshot: () => this.shadow.snapshot(),
        rejected: () => this.shadow.rejected(),
        prefixes: everything,
        revision: 0,
      },
      limit,
    );
    if (values === undefined) return;
    this.list(values);
    this.resync();
  }

  #settled(): (outcome: Outcome) => void {
    const { revision } = this;
    return ({ type }) => this.settled.push(`${revision} ${type}`);
  }

  /** @returns whether it fits into the exact queue */
  write(values: Record<string, unknown>): boolean {
    const revision = ++this.revision;
    const { steps } = this.shadow.apply(changes(values).changes, everything, revision);
    return this.pending.push({ revision, steps, coalesced: false, settled: [this.#settled()] });
  }

  list(values: Record<string, unknown>): void {
    const revision = ++this.revision;
    this.shadow.stage(entries(values), everything, revision);
    this.pending.commit(this.shadow.commit(everything, everything, revision), [this.#settled()]);
  }

  /** All that can be taken, as events. */
  take(): string[] {
    const texts: string[] = [];
    for (let batch = this.pending.take(); batch !== undefined; batch = this.pending.take()) {
      const { revision, coalesced, settled } = batch;
      for (const tell of settled) tell({ type: 'delivered' });
      const { changes: told, rejected } = toldOf(batch.steps);
      if (told.length + rejected.length === 0) texts.push('nothing');
      else texts.push(notation.format(new ChangeEvent({ epoch: 1, revision, changes: told, rejected, coalesced })));
    }
    return texts;
  }

  /** What a resync tells now. */
  resync(): string {
    const { diff, settled } = this.pending.takeAll();
    for (const tell of settled) tell({ type: 'applied' });
    const event = ResyncEvent.of<number>({}, this.revision, { reason: 'requested', rejected: this.shadow.rejected() });
    return notation.format(event.with({ diff, entries: this.shadow.snapshot() }));
  }
}

describe('before the first resync', () => {
  it('nothing can be taken; the resync is everything, and settles all', () => {
    const world = new World();
    world.list({ x: 1 });
    expect(world.write({ y: 1 })).toBe(true);
    expect([world.pending.canTake, world.take(), world.pending.lag]).toEqual([false, [], 0]);
    expect(world.resync()).toBe('{x:1@1 y:1}@2 requested');
    expect(world.settled).toEqual(['1 applied', '2 applied']);
    expect(world.pending.isEmpty).toBe(true);
  });
});

describe('up to the limit', () => {
  it('changes wait one by one, as they came', () => {
    const world = new World(4, { x: 1 });
    world.write({ x: 2, y: 1 });
    world.write({ x: 3 });
    world.write({ y: undefined });
    expect([world.pending.lag, world.pending.isEmpty]).toEqual([4, false]);
    expect(world.take()).toEqual(['x:1>2,y:1@2', 'x:2>3@3', '!y:1@4']);
    expect(world.settled.slice(1)).toEqual(['2 delivered', '3 delivered', '4 delivered']);
    expect([world.pending.lag, world.pending.isEmpty]).toEqual([0, true]);
  });

  it('room that was taken is room again', () => {
    const world = new World(2, { x: 0 });
    for (let i = 1; i < 5_000; i++) {
      expect(world.write({ x: i })).toBe(true);
      if (i > 1) world.pending.take();
    }
    expect(world.take()).toEqual(['x:4998>4999@5000']);
  });
});

describe('beyond the limit', () => {
  it('says so, and goes on per key, behind what waits exactly', () => {
    const world = new World(2, { x: 1 });
    expect([world.write({ x: 2 }), world.write({ x: 3 })]).toEqual([true, true]);
    expect([world.write({ x: 4 }), world.write({ y: 1 }), world.write({ x: 5 })]).toEqual([false, false, false]);
    expect(world.pending.lag).toBe(4);
    expect(world.take()).toEqual(['x:1>2@2', 'x:2>3@3', '~x:3>5,y:1@5@6']);
    expect(world.settled.length).toBe(6);
  });

  it('what waits exactly is not folded before all that waits per key is told', () => {
    const world = new World(1, { x: 1 });
    world.write({ x: 2 });
    world.write({ x: 3 });
    world.pending.take();
    // There is room again, but it must not overtake.
    expect(world.write({ x: 4 })).toBe(false);
    expect(world.take()).toEqual(['~x:2>4@4']);
    expect(world.write({ x: 5 })).toBe(true);
  });

  it.each([
    [[{ x: 2 }, { x: 3 }], ['~x:1>3@3'], 'first previous value, last value'],
    [[{ x: 2 }, { x: 1 }], ['nothing'], 'back again, without a revision of its own, tells nothing'],
    [[{ y: 1 }, { y: undefined }], ['nothing'], 'create and delete vanish'],
    [[{ x: undefined }, { x: 2 }], ['~x:1>2@3'], 'delete and create are a replace'],
    [[{ x: undefined }, { x: 1 }], ['nothing'], 'delete and create of the same: as before'],
    [[{ x: 2 }, { x: undefined }], ['~!x:1@3'], 'a delete is never lost'],
    [[{ x: bad }, { x: undefined }], ['~!x:1@3'], 'a delete of a rejected key'],
    [[{ x: bad }, { x: 1 }], ['nothing'], 'a rejection that was never told needs no recovery'],
    [[{ x: 2 }, { x: bad }], ['~x:1>2@2,x:2?@3'], 'the last good value and the rejection'],
    [
      [{ x: undefined }, { x: bad }],
      ['~x:1?@3'],
      'deleted, and put as something that is no value: a replace, so the last good one stays',
    ],
    [[{ y: bad }, { y: undefined }], ['nothing'], 'rejected and deleted vanish'],
    [[{ r: 1 }, { r: undefined }], ['~!r@3'], 'of a key that was told rejected, the delete is told'],
    [[{ r: 1 }], ['~r:1@2'], 'and its recovery'],
    [[{ r: undefined }, { r: bad }], ['~r:?@3'], 'and that it is rejected anew'],
  ] as [Record<string, unknown>[], string[], string][])('%o: %j (%s)', (writes, expected) => {
    const world = new World(0, { x: 1, r: bad });
    for (const values of writes) world.write(values);
    expect(world.take()).toEqual(expected);
  });

  it('a transaction that alone exceeds the limit stays whole', () => {
    const world = new World(2, {});
    world.write({ a: 1, b: 1, c: 1 });
    world.write({ d: 1 });
    expect(world.take()).toEqual(['~a:1@2,b:1@2,c:1@2,d:1@3']);
  });

  it('memory is bounded by the keys, not by the changes', () => {
    const world = new World(10, { x: 0, y: 0 });
    for (let i = 1; i <= 10_000; i++) world.write({ [i % 2 === 0 ? 'x' : 'y']: i });
    expect(world.pending.lag).toBe(12);
    expect(world.take().at(-1)).toBe('~x:10>10000,y:9>9999@10000@10001');
  });
});

describe('a resync', () => {
  it('takes all that waits with it, and its frames', () => {
    const world = new World(1, { x: 1, gone: 1 });
    world.write({ x: 2 });
    world.write({ x: 3, y: 1 });
    world.list({ x: 3, z: 1 });
    world.write({ n: 1 });
    expect(world.resync()).toBe('{!gone:1 +n:1 x:1>3@3 +z:1@4}@5 requested');
    expect([world.pending.isEmpty, world.take()]).toEqual([true, []]);
    expect(world.settled.slice(1).sort()).toEqual(['2 applied', '3 applied', '4 applied', '5 applied']);
  });

  it('also what came only after the listing', () => {
    const world = new World(10, { x: 1 });
    world.list({ x: 1 });
    world.write({ x: 2 });
    world.write({ y: 1 });
    expect(world.resync()).toBe('{x:1>2@3 +y:1}@4 requested');
    expect([world.take(), world.settled.slice(1)]).toEqual([[], ['2 applied', '3 applied', '4 applied']]);
  });

  it('that finds nothing different has an empty diff', () => {
    const world = new World(0, { x: 1 });
    world.write({ x: 2 });
    world.list({ x: 1 });
    expect(world.resync()).toMatch(/^\{=x:1(@\d)?\}@3 requested$/);
  });

  it('after all was gone and is there again', () => {
    const world = new World(10, { x: 1, y: 1 });
    world.list({});
    world.list({ y: 1, z: 1 });
    expect(world.resync()).toMatch(/^\{!x:1 y:1(@\d)? \+z:1(@\d)?\}@3 requested$/);
  });

  it('after all was gone and was told so: everything is new', () => {
    const world = new World(10, { x: 1 });
    world.list({});
    expect(world.resync()).toBe('{!x:1}@2 requested');
    world.list({ x: 1 });
    world.write({ y: 1 });
    expect(world.take()).toEqual([]);
    expect(world.resync()).toBe('{x:1@3 y:1}@4 requested');
    world.write({ y: 2 });
    expect(world.take()).toEqual(['y:1>2@5']);
  });

  it('names what was told rejected and is gone once, and never a rejected key as removed', () => {
    const world = new World(10, { r: bad, x: 1 });
    world.list({ x: bad });
    expect(world.resync()).toBe('{!r x:1?@1}@2 requested');
    world.list({ x: 1 });
    expect(world.resync()).toBe('{x:1>1}@3 requested');
  });
});

describe('what was told last of a key', () => {
  const told = (world: World, ...keys: string[]) => keys.map((key) => world.pending.told(key)?.good?.value);

  it('is what the view holds, where nothing of it waits', () => {
    const world = new World(4, { x: 1 });
    expect(told(world, 'x', 'y')).toEqual([1, undefined]);
    world.write({ x: 2 });
    world.take();
    expect(told(world, 'x')).toEqual([2]);
  });

  it('is what stood before the first that waits, exactly or per key', () => {
    const world = new World(2, { x: 1, z: 1 });
    world.write({ x: 2 });
    world.write({ x: 3 });
    world.write({ y: 1, z: 2 });
    world.write({ x: undefined });
    expect(told(world, 'x', 'y', 'z')).toEqual([1, undefined, 1]);
  });

  it('is nothing before a first listing has been told', () => {
    const world = new World(4);
    expect(told(world, 'x')).toEqual([undefined]);
    world.list({ x: 1 });
    expect(told(world, 'x')).toEqual([undefined]);
    world.resync();
    expect(told(world, 'x')).toEqual([1]);
  });
});

describe('closed', () => {
  it('every frame that waits is told, and nothing can be taken', () => {
    const world = new World(1, { x: 1 });
    world.write({ x: 2 });
    world.write({ x: 3 });
    world.list({ x: 4 });
    world.write({ x: 5 });
    world.pending.close();
    expect(world.settled.slice(1).sort()).toEqual(['2 cancelled', '3 cancelled', '4 cancelled', '5 cancelled']);
    expect([world.take(), world.pending.lag]).toEqual([[], 0]);
  });
});
