import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { Watchers } from '../../../lib/backends/files/watchers.ts';
import type { Watch, WatchTarget } from '../../../lib/backends/files/watchTarget.ts';

/** A chokidar that does nothing by itself. */
class FakeWatcher extends EventEmitter {
  closed = false;
  close(): Promise<void> {
    this.closed = true;
    this.removeAllListeners();
    return Promise.reject(new Error('it cannot be closed'));
  }
}

function fake() {
  const made: (FakeWatcher & { directory: string })[] = [];
  const watch = vi.fn((directory: string) => {
    const watcher = Object.assign(new FakeWatcher(), { directory });
    made.push(watcher);
    return watcher;
  });
  return { made, watch: watch as unknown as Watch };
}

const target = (directory: string, identity: string): WatchTarget => ({ directory, identity });
const targets = (...list: WatchTarget[]) => new Map(list.map((each) => [each.directory, each]));

describe('Watchers', () => {
  it('follows what a path is, and closes what it was', () => {
    const { made, watch } = fake();
    const watchers = new Watchers(watch, () => undefined);
    watchers.follow(targets(target('/a', '1'), target('/b', '1')));
    watchers.follow(targets(target('/a', '1'), target('/b', '2')));
    expect(made.map(({ directory, closed }) => [directory, closed])).toEqual([
      ['/a', false],
      ['/b', true],
      ['/b', false],
    ]);
    watchers.follow(new Map([['/a', undefined]]));
    watchers.close();
    expect(made.every(({ closed }) => closed)).toBe(true);
  });

  it('lets go of what is not to be watched any more, as a link that is gone', () => {
    const { made, watch } = fake();
    const watchers = new Watchers(watch, () => undefined);
    watchers.follow(targets(target('/a', '1'), target('/a/link', '1')));
    watchers.follow(targets(target('/a', '1')));
    expect(made.map(({ directory, closed }) => [directory, closed])).toEqual([
      ['/a', false],
      ['/a/link', true],
    ]);
    watchers.close();
  });

  it('shares a watcher, and renews it for all who share it', () => {
    const { made, watch } = fake();
    const rings = [0, 0];
    const [first, second] = [0, 1].map((i) => new Watchers(watch, () => rings[i]!++)) as [Watchers, Watchers];
    first.follow(targets(target('/a', '1')));
    second.follow(targets(target('/a', '1')));
    made[0]!.emit('ready');
    made[0]!.emit('all', 'add', '/a/x.json');
    expect([made.length, rings]).toEqual([1, [2, 2]]);
    second.follow(targets(target('/a', '2')));
    expect(made.map(({ closed }) => closed)).toEqual([true, false]);
    made[1]!.emit('ready');
    expect(rings).toEqual([3, 3]);
    first.follow(targets(target('/a', '2')));
    expect(made).toHaveLength(2);
    first.close();
    made[1]!.emit('all', 'add', '/a/y.json');
    second.close();
    expect([made[1]!.closed, rings[1]]).toEqual([true, 4]);
  });

  it('is ready when all are, or when they have had their time', () => {
    vi.useFakeTimers();
    try {
      const { made, watch } = fake();
      const watchers = new Watchers(watch, () => undefined);
      const ready: string[] = [];
      watchers.follow(targets(target('/a', '1'), target('/b', '1')));
      watchers.ready().subscribe({ next: () => ready.push('ready'), complete: () => ready.push('done') });
      made[0]!.emit('ready');
      expect(ready).toEqual([]);
      made[1]!.emit('ready');
      expect(ready).toEqual(['ready', 'done']);

      watchers.follow(targets(target('/a', '2')));
      watchers.ready().subscribe(() => ready.push('late'));
      vi.advanceTimersByTime(10_000);
      expect(ready).toEqual(['ready', 'done', 'late']);
      watchers.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('rings for whatever may matter, and only for that', () => {
    const { made, watch } = fake();
    let rings = 0;
    const watchers = new Watchers(watch, () => rings++);
    watchers.follow(targets(target('/a', '1')));
    const names = ['x.json', 'x.yaml', 'directory', '..data', undefined, 'x.txt', '.git', '.x.json.swp', 'x.json~'];
    const heard = names.filter((name) => {
      const before = rings;
      made[0]!.emit('raw', 'rename', name, {});
      return rings > before;
    });
    expect(heard).toEqual(['x.json', 'x.yaml', 'directory', '..data', undefined]);
    made[0]!.emit('error', Object.assign(new Error('no'), { code: 'EPERM' }));
    expect([rings, watchers.trouble]).toEqual([6, undefined]);
    watchers.close();
  });

  it('renews a watcher that has let go of its directory, for all who share it', () => {
    const { made, watch } = fake();
    const rings = [0, 0];
    const all = targets(target('/a', '1'));
    const both = [0, 1].map((i) => new Watchers(watch, () => rings[i]!++));
    for (const watchers of both) watchers.follow(all);
    made[0]!.emit('all', 'unlinkDir', '/a/below');
    for (const watchers of both) watchers.follow(all);
    expect(made).toHaveLength(1);
    made[0]!.emit('all', 'unlinkDir', '/a');
    for (const watchers of both) watchers.follow(all);
    expect(made.map(({ closed }) => closed)).toEqual([true, false]);
    made[1]!.emit('ready');
    expect(rings).toEqual([3, 3]);
    for (const watchers of both) watchers.close();
    expect(made[1]!.closed).toBe(true);
  });

  it('gives up a watcher for which the system has nothing left, says so, and tries again later', () => {
    vi.useFakeTimers();
    try {
      const { made, watch } = fake();
      let rings = 0;
      const watchers = new Watchers(watch, () => rings++);
      const all = targets(target('/a', '1'));
      watchers.follow(all);
      made[0]!.emit('error', Object.assign(new Error('ENOSPC: no watches left'), { code: 'ENOSPC' }));
      expect([made[0]!.closed, rings]).toEqual([true, 1]);
      expect(watchers.trouble).toMatchObject({
        code: 'UNREADABLE',
        file: '/a',
        message: expect.stringMatching(/ENOSPC.*scanning only/),
      });
      // chokidar goes on failing after it was closed.
      made[0]!.emit('error', new Error('again'));
      watchers.follow(all);
      expect(made).toHaveLength(1);
      vi.advanceTimersByTime(30_000);
      watchers.follow(all);
      expect(made).toHaveLength(2);
      expect(watchers.trouble).toBeDefined();
      made[1]!.emit('ready');
      expect(watchers.trouble).toBeUndefined();
      watchers.close();
    } finally {
      vi.useRealTimers();
    }
  });
});
