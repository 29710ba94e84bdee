import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type FromFilesConfig, filesBackend, fromFiles } from '../../../lib/backends/files/index.ts';
import type { Claim } from '../../../lib/model/ack.ts';
import type { Frame } from '../../../lib/source/frames.ts';
import { record, recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

/** What the system holds open for this process: watches, and files below a directory. */
function handles(directory: string): string[] {
  const watches = process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap');
  const files = process.platform === 'linux' ? readdirSync('/proc/self/fd').map(targetOf) : [];
  return [...watches, ...files.filter((path) => path.startsWith(directory))];
}

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}

describe('fromFiles: subscriptions', () => {
  it('reads and watches for each subscription anew; one that ends does not touch the other', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    const first = await recordLive({ paths: [dir] });
    const second = await recordLive({ paths: [dir] });
    first.subscription?.unsubscribe();
    write(join(dir, 'a.json'), { '/a': 2 });
    await until(() => expect(second.state).toEqual({ '/a': 2 }));
    expect([first.log, second.log]).toEqual([['resync initial'], ['resync initial', 'put /a 1 > 2']]);
  });

  it('sees a directory that was made again, in all subscriptions to it, by hints alone', async () => {
    const dir = join(temporaryDirectory(), 'config');
    write(join(dir, 'a.json'), { '/a': 0 });
    const paths = [dir];
    const all = await Promise.all([1, 2, 3].map(() => recordLive({ paths, rescan: 3_600_000 })));
    for (const round of [1, 2]) {
      rmSync(dir, { recursive: true });
      write(join(dir, 'a.json'), { '/a': round });
      await until(() => expect(all.map(({ state }) => state['/a'])).toEqual([round, round, round]));
      write(join(dir, 'b.json'), { '/b': round });
      await until(() => expect(all.map(({ state }) => state['/b'])).toEqual([round, round, round]));
    }
  });

  it('leaves nothing open, wherever it is unsubscribed, and tells nothing after', async () => {
    const dir = temporaryDirectory();
    for (let i = 0; i < 50; i++) write(join(dir, `d${i % 5}/${i}.yaml`), { [`/${i}`]: i });
    for (let wait = 0; wait < 60; wait++) {
      const told = record({ paths: [dir], rescan: 10 });
      for (let turn = 0; turn < wait; turn++) await new Promise((resolve) => setImmediate(resolve));
      write(join(dir, 'd0/0.yaml'), { '/0': wait });
      told.subscription?.unsubscribe();
      const { length } = told.events;
      expect(told.status.state).toBe('closed');
      told.events.push = () => expect.fail('told something after the end');
      expect(told.events.length).toBe(length);
    }
    await until(() => expect(handles(dir)).toEqual([]));
  });

  it('ends inside the first event', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    const told: string[] = [];
    await fromFiles({ paths: [dir], prefixes: [''] })
      .pipe(take(1))
      .forEach(({ type }) => {
        told.push(type);
      });
    expect(told).toEqual(['resync']);
    await until(() => expect(handles(dir)).toEqual([]));
  });

  it('does not scan while the consumer has no room, and then tells the outcome', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 0 });
    const room = new Subject<void>();
    let full = false;
    let asked = 0;
    const frames: Frame<never>[] = [];
    const ready = () => {
      if (full) asked++;
      return full ? room : of(undefined);
    };
    const subscription = filesBackend({ paths: [dir], rescan: 10 })
      .open({ prefixes: [''], added: [''], from: undefined, ready })
      .subscribe((frame) => frames.push(frame));
    await until(() => expect(frames.map(({ type }) => type)).toEqual(['page', 'snapshot', 'progress']));
    full = true;
    for (const value of [1, 2, 3]) {
      write(join(dir, 'a.json'), { '/a': value });
      await until(() => expect(asked).toBe(1));
    }
    expect(frames).toHaveLength(3);
    full = false;
    room.next();
    await until(() => expect(frames).toHaveLength(4));
    expect(frames[3]).toMatchObject({ type: 'changes', changes: [{ op: 'put', key: '/a' }], coalesced: true });
    subscription.unsubscribe();
  });

  it('keeps the first previous value while a consumer is stuck', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 0 });
    const claims: Claim[] = [];
    const told: string[] = [];
    const subscription = fromFiles({ paths: [dir], prefixes: [''], delivery: { inFlight: 1 } }).subscribe((event) => {
      if (event.type === 'change') claims.push(event.claim());
      told.push(event.type === 'resync' ? 'resync' : event.changes.map(({ prevValue }) => prevValue).join());
    });
    await until(() => expect(told).toEqual(['resync']));
    write(join(dir, 'a.json'), { '/a': 1 });
    await until(() => expect(claims).toHaveLength(1));
    write(join(dir, 'a.json'), { '/a': 2 });
    claims[0]?.done();
    await until(() => expect(told).toEqual(['resync', '0', '1']));
    subscription.unsubscribe();
  });

  it('lists for new prefixes, and drops the old', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1, '/b': 1 });
    const prefixes = new Subject<string[]>();
    const told = record({ paths: [dir], prefixes });
    prefixes.next(['/a']);
    await until(() => expect(told.state).toEqual({ '/a': 1 }));
    prefixes.next(['/b']);
    await until(() => expect(told.state).toEqual({ '/b': 1 }));
    expect(told.log).toEqual(['resync initial', 'resync prefixes']);
  });

  it('only looks, where it polls', async () => {
    const dir = temporaryDirectory();
    const told = record({ paths: [join(dir, 'config')], usePolling: true, rescan: 20 });
    await until(() => expect(told.stale).toBeDefined());
    for (const value of [1, 2, 3]) {
      write(join(dir, 'config/a.yaml'), { '/a': value });
      await until(() => expect(told.state).toEqual({ '/a': value }));
    }
    await until(() => expect(handles(dir)).toEqual([]));
  });

  it.each<[string, object, RegExp]>([
    ['no paths', { paths: [] }, /'paths' must be an array of at least one path/],
    ['an empty path', { paths: ['a', ''] }, /'paths'/],
    ['paths missing', { paths: undefined }, /'paths' is missing/],
    ['no prefixes', { paths: ['a'], prefixes: undefined }, /'prefixes' is missing/],
    [
      'an unknown option',
      { paths: ['a'], debounce: 1 },
      /unknown option 'debounce'; known are paths, recursive, ignore, .*, rescan, usePolling, mustExist, prefixes/,
    ],
    ['a negative time', { paths: ['a'], rescan: -1 }, /'rescan' must be a number of milliseconds, 10 or more, not -1/],
    ['a flag that is none', { paths: ['a'], mustExist: 'yes' }, /'mustExist' must be true or false, not "yes"/],
  ])('refuses %s at once', (_what, config, message) => {
    const create = () => fromFiles({ prefixes: [''], ...config } as unknown as FromFilesConfig<unknown>);
    expect(create).toThrow(message);
    expect(create).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });
});
