import { BehaviorSubject, of, Subject, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { memoryBackend } from '../../../lib/backends/memory/memoryBackend.ts';
import { type MemoryPosition, type MemoryStore, memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { Backend, Frame } from '../../../lib/source/frames.ts';
import { fromBackend } from '../../../lib/source/fromBackend.ts';
import { breakListing, cut, latency, repeated } from '../../../lib/testing/faults.ts';
import { bytes, del, line, put } from './helpers.ts';

const handOvers = ['pinned', 'windowed', 'diffed'] as const;
type Prefixes = Parameters<typeof fromBackend>[1]['prefixes'];

/** Virtual time: what a subscriber is told while the script runs, until nothing is due. */
function run(
  script: (store: MemoryStore, collect: (backend: Backend<MemoryPosition>, prefixes?: Prefixes) => string[]) => void,
  store = memoryStore(),
): void {
  const scheduler = new TestScheduler(() => undefined);
  scheduler.run(() => {
    script(store, (backend, prefixes = ['']) => {
      const lines: string[] = [];
      const config = { prefixes, codec: textCodec, retry: { random: () => 0 } };
      const subscription = fromBackend(backend, config).subscribe((event) => lines.push(line(event)));
      at(10_000, () => subscription.unsubscribe());
      return lines;
    });
  });
}

const at = (ms: number, action: () => void): void => void timer(ms).subscribe(action);

describe.each(handOvers)('memoryBackend, %s', (handOver) => {
  it('tells what is there, then what changes', () => {
    let lines: string[] = [];
    run((store, collect) => {
      store.put('a/x', bytes('1'));
      store.put('b/x', bytes('1'));
      lines = collect(memoryBackend(store, { handOver }), ['a/']);
      at(10, () => store.put('a/y', bytes('2')));
      at(20, () => store.put('b/y', bytes('2')));
      at(30, () => store.apply([put('a/y', '3'), del('a/x'), put('b/z', '1')]));
    });
    const own = ['{a/x:1}@2 initial', 'a/y:2@3', 'a/y:2>3,!a/x@5'];
    const counted = ['{a/x:1}@1 initial', '~a/y:2@2', '~a/y:2>3,!a/x@3'];
    expect(lines).toEqual(handOver === 'pinned' ? own : counted);
  });

  it('tells an empty store as an empty resync, and does not mix up prefixes that start alike', () => {
    let lines: string[] = [];
    run((store, collect) => {
      store.put('component2/x', bytes('1'));
      lines = collect(memoryBackend(store, { handOver }), ['component/']);
      at(10, () => store.put('component2/x', bytes('2')));
      at(20, () => store.put('component/x', bytes('3')));
    });
    expect(lines.map((told) => told.replace(/@\d+/, ''))).toEqual([
      '{} initial',
      handOver === 'pinned' ? 'component/x:3' : '~component/x:3',
    ]);
  });

  it('tells each change once under overlapping prefixes (F24)', () => {
    let lines: string[] = [];
    run((store, collect) => {
      store.put('w/sub/j', bytes('1'));
      lines = collect(memoryBackend(store, { handOver }), ['w/', 'w/sub/', 'w/']);
      at(10, () => store.put('w/sub/k', bytes('1')));
    });
    expect(lines.map((told) => told.replace(/@\d+|~/g, ''))).toEqual(['{w/sub/j:1} initial', 'w/sub/k:1']);
  });

  it('loses nothing that is written inside the resync', () => {
    const lines: string[] = [];
    run((store) => {
      store.put('x', bytes('1'));
      const source = fromBackend(memoryBackend(store, { handOver }), { prefixes: [''], codec: textCodec });
      const subscription = source.subscribe((event) => {
        lines.push(line(event).replace(/@\d+|~/g, ''));
        if (event.type === 'resync') store.apply([put('x', '2'), put('y', '1')]);
        else if (lines.length === 2) store.delete('y');
      });
      at(100, () => subscription.unsubscribe());
    });
    expect(lines).toEqual(['{x:1} initial', 'x:1>2,y:1', '!y']);
  });

  it('says regressed after a wipe, whatever revision the new store has reached', () => {
    let lines: string[] = [];
    run((store, collect) => {
      store.put('x', bytes('1'));
      lines = collect(memoryBackend(store, { handOver }));
      at(10, () => {
        store.wipe();
        for (const value of ['1', '2', '3']) store.put('y', bytes(value));
      });
    });
    expect(lines.map((told) => told.replace(/@\d+/, ''))).toEqual(['{x:1} initial', '{y:3} regressed']);
  });

  it('comes back from a broken connection with what it missed', () => {
    const broken = new Subject<void>();
    let lines: string[] = [];
    run((store, collect) => {
      store.apply([put('x', '1'), put('y', '1')]);
      lines = collect(cut(memoryBackend(store, { handOver }), broken));
      at(10, () => {
        broken.next();
        store.delete('x');
        store.put('z', bytes('2'));
      });
    });
    const expected = ['{x:1 y:1} initial', '{y:1 z:2} reconnected'];
    const resumed = ['{x:1 y:1} initial', '!x', 'z:2'];
    expect(lines.map((told) => told.replace(/@\d+/, ''))).toEqual(handOver === 'pinned' ? resumed : expected);
  });

  it('starts a listing again that broke, and leaves no trace of the first', () => {
    let lines: string[] = [];
    run((store, collect) => {
      store.apply(Array.from({ length: 2_500 }, (_, i) => put(`k${i}`, '1')));
      lines = collect(breakListing(memoryBackend(store, { handOver }), { pages: 2 }), ['k249']);
      at(1, () => store.delete('k2490'));
    });
    const left = [...Array.from({ length: 9 }, (_, i) => `k249${i + 1}:1`)];
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/ initial$/);
    expect(lines[0]).toContain(`{k249:1 ${left.join(' ')}}`);
  });

  it('is the same behind a slow link', () => {
    let lines: string[] = [];
    run((store, collect) => {
      store.put('x', bytes('1'));
      lines = collect(latency(memoryBackend(store, { handOver }), 50));
      at(10, () => store.put('x', bytes('2')));
      at(20, () => store.delete('x'));
      at(500, () => store.put('x', bytes('3')));
    });
    expect(lines[0]).toMatch(/^\{x:1\}@\d initial$/);
    expect(lines.at(-1)).toMatch(/^~?x:3@\d$/);
  });

  it('ignores what is sent twice', () => {
    let lines: string[] = [];
    run((store, collect) => {
      lines = collect(repeated(memoryBackend(store, { handOver }), handOver === 'pinned' ? 1 : 0));
      for (const ms of [10, 20, 30]) at(ms, () => store.put('x', bytes(`${ms}`)));
    });
    expect(lines.map((told) => told.replace(/@\d+|~/g, ''))).toEqual(['{} initial', 'x:10', 'x:10>20', 'x:20>30']);
  });

  it('takes in a prefix that is added later', () => {
    const prefixes = new BehaviorSubject(['a/']);
    let lines: string[] = [];
    run((store, collect) => {
      store.apply([put('a/x', '1'), put('b/x', '1')]);
      lines = collect(memoryBackend(store, { handOver }), prefixes);
      at(10, () => prefixes.next(['a/', 'b/']));
      at(20, () => store.apply([put('a/x', '2'), put('b/x', '2')]));
    });
    expect(lines.map((told) => told.replace(/@\d+|~/g, ''))).toEqual([
      '{a/x:1} initial',
      '{a/x:1 b/x:1} prefixes',
      'a/x:1>2,b/x:1>2',
    ]);
  });

  it('declares what it can do, and why not more', () => {
    const { capabilities } = memoryBackend(memoryStore(), { handOver });
    expect(capabilities.handOver).toBe(handOver);
    expect([capabilities.revision, capabilities.atomic, capabilities.resume]).toEqual(
      handOver === 'pinned' ? ['store', 'revision', 'log'] : ['subscription', 'none', 'none'],
    );
    if (handOver !== 'pinned')
      expect(Object.keys(capabilities.reasons ?? {})).toEqual(expect.arrayContaining(['atomic', 'resume', 'revision']));
  });
});

describe('memoryBackend', () => {
  it.each([{ handOver: 'pushed' }, { name: '' }, { handover: 'pinned' }])('refuses the options %o', (options) => {
    expect(() => memoryBackend(memoryStore(), options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  });

  it('says compacted where a pinned watch cannot resume', () => {
    const broken = new Subject<void>();
    let lines: string[] = [];
    run((store, collect) => {
      store.apply([put('x', '1'), put('y', '1')]);
      lines = collect(cut(memoryBackend(store), broken));
      at(10, () => {
        broken.next();
        store.delete('x');
        store.compact();
      });
    });
    expect(lines).toEqual(['{x:1 y:1}@1 initial', '{y:1}@2 compacted']);
  });

  it('keeps a quiet pinned subscriber inside the log', () => {
    const broken = new Subject<void>();
    let lines: string[] = [];
    run(
      (store, collect) => {
        lines = collect(cut(memoryBackend(store), broken), ['quiet/']);
        at(10, () => {
          for (let i = 0; i < 25; i++) store.put('busy', bytes(`${i}`));
          broken.next();
          store.put('quiet/x', bytes('1'));
        });
      },
      memoryStore({ history: 10 }),
    );
    expect(lines).toEqual(['{}@0 initial', 'quiet/x:1@26']);
  });

  it('sends a sign of life as soon as a pinned watch stands', () => {
    const store = memoryStore();
    const frames: Frame<MemoryPosition>[] = [];
    const context = { prefixes: ['a/'], added: ['a/'], from: undefined, ready: () => timer(0) as never };
    memoryBackend(store)
      .open(context)
      .subscribe((frame) => frames.push(frame));
    expect(frames.map(({ type }) => type)).toEqual(['page', 'snapshot', 'progress']);
    store.put('b/x', bytes('1'));
    store.put('a/x', bytes('1'));
    expect(frames.slice(3)).toMatchObject([
      { type: 'changes', revision: 2, changes: [{ op: 'put', key: 'a/x', revision: 2 }] },
    ]);
  });

  it('asks a diffed store again only when something under its prefixes has changed', () => {
    const frames: string[] = [];
    run((store) => {
      const context = { prefixes: ['a/'], added: ['a/'], from: undefined, ready: () => timer(0) as never };
      const subscription = memoryBackend(store, { handOver: 'diffed' })
        .open(context)
        .subscribe(({ type }) => frames.push(type));
      at(10, () => store.put('b/x', bytes('1')));
      at(20, () => store.put('a/x', bytes('1')));
      at(100, () => subscription.unsubscribe());
    });
    expect(frames).toEqual(['page', 'snapshot', 'page', 'snapshot']);
  });

  it('announces what a windowed store is told while it is listed: nothing has to be remembered for it', () => {
    const frames: string[] = [];
    // Whoever began to listen after the listing would have to read what one revision remembers of six.
    const store = memoryStore({ history: 1 });
    store.put('a/x', bytes('0'));
    const context = { prefixes: ['a/'], added: ['a/'], from: undefined, ready: () => of(undefined) };
    const subscription = memoryBackend(store, { handOver: 'windowed' })
      .open(context)
      .subscribe((frame) => {
        frames.push(frame.type);
        if (frame.type !== 'page') return;
        for (const value of ['1', '2', '3', '4', '5']) store.put('a/x', bytes(value));
      });
    subscription.unsubscribe();
    expect(frames).toEqual(['page', 'snapshot', 'changes']);
  });
});
