import { take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type MemoryPosition, type MemoryStore, memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { ContinuityLost } from '../../../lib/source/frames.ts';
import { bytes } from './helpers.ts';

/** Follows a store; the list grows by a revision per transaction, and by a word when it ends. */
function follow(
  store: MemoryStore,
  from: MemoryPosition = store.position,
  onRevision: (revision: number) => void = () => undefined,
) {
  const seen: (number | string)[] = [];
  const subscription = store.records(from).subscribe({
    next: ({ position: { revision } }) => {
      seen.push(revision);
      onRevision(revision);
    },
    error: (error: unknown) => seen.push(error instanceof ContinuityLost ? error.reason : String(error)),
    complete: () => seen.push('complete'),
  });
  return { seen, subscription };
}

function write(store: MemoryStore, times = 1): void {
  for (let i = 0; i < times; i++) store.put('x', bytes(`${i}`));
}

describe('records of a memoryStore', () => {
  it('are told before the write returns', () => {
    const store = memoryStore();
    const { seen } = follow(store);
    write(store);
    expect(seen).toEqual([1]);
  });

  it('start where they are asked to: the log first, then what comes', () => {
    const store = memoryStore();
    write(store, 2);
    const from = store.position;
    write(store, 2);
    const { seen } = follow(store, from);
    write(store);
    expect(seen).toEqual([3, 4, 5]);
  });

  it('end with the subscription, also in the middle of the log', () => {
    const store = memoryStore();
    const from = store.position;
    write(store, 3);
    const seen: number[] = [];
    store
      .records(from)
      .pipe(take(2))
      .subscribe(({ position }) => seen.push(position.revision));
    write(store);
    expect(seen).toEqual([1, 2]);
  });

  it('keep their order for everybody when a follower writes inside its notification', () => {
    const store = memoryStore();
    const writeTwice = (revision: number): void => {
      if (revision < 5) write(store, 2);
    };
    const first = follow(store);
    const writer = follow(store, store.position, writeTwice);
    const last = follow(store);
    write(store);
    const expected = Array.from({ length: 9 }, (_, i) => i + 1);
    expect(first.seen).toEqual(expected);
    expect(writer.seen).toEqual(expected);
    expect(last.seen).toEqual(expected);
  });

  it('never come inside one another', () => {
    const store = memoryStore();
    let depth = 0;
    let deepest = 0;
    follow(store, store.position, (revision) => {
      deepest = Math.max(deepest, ++depth);
      if (revision < 10) write(store);
      depth--;
    });
    write(store);
    expect(deepest).toBe(1);
  });

  it('keep their order when the follower writes while it reads the log', () => {
    const store = memoryStore();
    const from = store.position;
    write(store, 2);
    const { seen } = follow(store, from, (revision) => revision < 3 && write(store));
    write(store);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it('reach one who comes in the middle of a notification exactly once', () => {
    const store = memoryStore();
    const from = store.position;
    let late: (number | string)[] = [];
    follow(store, from, (revision) => {
      if (revision !== 1) return;
      write(store);
      late = follow(store, from).seen;
      write(store);
    });
    write(store);
    expect(late).toEqual([1, 2, 3]);
  });

  it('do not reach one who left inside a notification of another', () => {
    const store = memoryStore();
    follow(store, store.position, () => second.subscription.unsubscribe());
    const second = follow(store);
    write(store, 2);
    expect(second.seen).toEqual([]);
  });

  it('are lost where the log does not reach', () => {
    const store = memoryStore();
    const start = store.position;
    write(store, 3);
    store.compact(2);
    expect(follow(store, start).seen).toEqual(['compacted']);
    expect(follow(store, { ...start, revision: 2 }).seen).toEqual([3]);
  });

  it('go on through a compaction for those who are up to date, also in the middle of telling them', () => {
    const store = memoryStore({ history: 2 });
    const compacter = follow(store, store.position, (revision) => {
      if (revision === 1) write(store, 5);
      store.compact();
    });
    const other = follow(store);
    write(store);
    expect(compacter.seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(other.seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('end with a wipe, for those who follow and for every old position', () => {
    const store = memoryStore();
    write(store, 2);
    const old = store.position;
    const { seen } = follow(store);
    store.wipe();
    write(store, 5);
    expect(seen).toEqual(['regressed']);
    expect(follow(store, old).seen).toEqual(['regressed']);
    expect(follow(store, memoryStore().position).seen).toEqual(['regressed']);
  });

  it('end for all when one of them wipes the store inside its notification', () => {
    const store = memoryStore();
    const wiper = follow(store, store.position, (revision) => {
      if (revision !== 1) return;
      write(store);
      store.wipe();
      write(store);
    });
    const other = follow(store);
    write(store);
    expect(wiper.seen).toEqual([1, 'regressed']);
    expect(other.seen).toEqual(['regressed']);
    expect(store.revision).toBe(1);
  });
});
