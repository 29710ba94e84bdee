import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { fromMemory, jsonCodec, memoryBroker, publishTo } from '../../../lib/index.ts';
import { temporaryDirectory, until, write } from '../../support/files.ts';
import { place, statusAt } from '../../support/statusFile.ts';

const text = (path: string) => readFileSync(path, 'utf8');

describe('filesStatus writes the format of the configuration', () => {
  it('as JSON, one entry per line, sorted', async () => {
    const { path } = place();
    const status = statusAt(path, { prefix: '/status/' });
    await status.txn().put('b', { state: 'up', mtu: 1500 }).put('a', [1, null]).commit();
    expect(text(path)).toBe(
      '{"data": [\n  {"key": "/status/a", "value": [1,null]},\n  {"key": "/status/b", "value": {"state":"up","mtu":1500}}\n]}\n',
    );
    await status.deletePrefix('');
    expect(text(path)).toBe('{"data": []}\n');
  });

  it.each(['status.yaml', 'status.YML'])('as YAML: %s', async (name) => {
    const { path } = place(name);
    const status = statusAt(path);
    await status
      .txn()
      .put('b', '0x1F')
      .put('a', { state: 'up', '<<': { x: [] } })
      .commit();
    expect(text(path)).toBe(
      "data:\n- key: a\n  value:\n    state: up\n    '<<':\n      x: []\n- key: b\n  value: '0x1F'\n",
    );
    await status.deletePrefix('');
    expect(text(path)).toBe('data: []\n');
  });

  it.each(['status.json', 'status.yaml'])(
    'so that every key and value comes back: %s',
    { timeout: 60_000 },
    async (name) => {
      const { path } = place(name);
      const status = statusAt(path);
      const entries = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' })));
      await fc.assert(
        fc.asyncProperty(entries, async (pairs) => {
          const txn = status.txn();
          const expected = new Map(pairs.map(([key, value]) => [key, JSON.parse(JSON.stringify(value)) as unknown]));
          for (const [key, value] of expected) txn.put(key, value);
          await status.deletePrefix('');
          await txn.commit();
          // So that it is the file that is read.
          await status.close();
          const read = await status.list();
          expect(new Map(read.map(({ key, value }) => [key, value]))).toEqual(expected);
        }),
        { seed: 1, numRuns: 60 },
      );
    },
  );
});

describe('filesStatus replaces the file', () => {
  it('in one step: a reader never sees less than all of an old or a new state', async () => {
    const { path } = place();
    const status = statusAt(path);
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
    const putAll = async (value: number) => {
      const txn = status.txn();
      for (const key of keys) txn.put(key, value);
      await txn.commit();
    };
    await putAll(0);
    const writing = (async () => {
      for (let n = 1; n <= 50; n++) await putAll(n);
    })();
    const seen = new Set<unknown>();
    while (!seen.has(50)) {
      const { data } = JSON.parse(text(path)) as { data: { value: unknown }[] };
      expect(data).toHaveLength(keys.length);
      expect(new Set(data.map(({ value }) => value)).size).toBe(1);
      seen.add(data[0]?.value);
      await new Promise(setImmediate);
    }
    await writing;
    expect(seen.size).toBeGreaterThan(1);
  });

  it('once for many writes that come at once', async () => {
    const { dir, path } = place();
    const names: (string | null)[] = [];
    const watcher = watch(dir, (_, name) => names.push(name));
    onTestFinished(() => watcher.close());
    const status = statusAt(path);
    const first = status.put('first', 0);
    const second = Promise.all(Array.from({ length: 500 }, (_, n) => status.put(`k${n}`, n)));
    await first;
    const third = Promise.all(Array.from({ length: 500 }, (_, n) => status.put(`k${n}`, -n)));
    await Promise.all([second, third]);
    writeFileSync(join(dir, 'mark'), '');
    await until(() => expect(names).toContain('mark'));
    const renames = names.filter((name) => name === 'status.json').length;
    expect(renames).toBeGreaterThanOrEqual(1);
    expect(renames).toBeLessThanOrEqual(3);
  });

  it('not at all where nothing is different', async () => {
    const { path } = place();
    const status = statusAt(path);
    expect(await status.delete('a')).toEqual({ existed: false });
    expect(() => statSync(path)).toThrow('ENOENT');
    await status.put('a', { b: 1 });
    const before = statSync(path, { bigint: true });
    await status.put('a', { b: 1 });
    await status.deletePrefix('none');
    await status.txn().commit();
    expect(statSync(path, { bigint: true })).toEqual({
      ...before,
      atimeNs: expect.anything(),
      atimeMs: expect.anything(),
      atime: expect.anything(),
    });
  });

  it('at most once per interval; what waits for it is written on close', async () => {
    const { path } = place();
    const status = statusAt(path, { interval: 3_600_000 });
    await status.put('a', 1);
    const done: string[] = [];
    const waiting = ['b', 'c'].map((key) => status.put(key, 2).then(() => done.push(key)));
    expect(await status.listKeys()).toEqual(['a']);
    expect(done).toEqual([]);
    await status.close();
    await Promise.all(waiting);
    expect(text(path)).toContain('"c"');
  });

  it('with the permissions of the old one, and leaves nothing beside it', async () => {
    const { dir, path } = place();
    write(path, {});
    chmodSync(path, 0o640);
    const status = statusAt(path);
    await status.put('a', 1);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(dir)).toEqual(['status.json']);
  });

  it('not through a link that stands where its temporary file will', async () => {
    const { dir, path } = place();
    const victim = join(temporaryDirectory(), 'victim');
    writeFileSync(victim, 'untouched');
    symlinkSync(victim, join(dir, `.status.json.${process.pid}.${threadId}.tmp`));
    await statusAt(path).put('a', 1);
    expect(text(victim)).toBe('untouched');
    expect(readdirSync(dir)).toEqual(['status.json']);
  });

  it('keeping what was in it, and what somebody else writes into it', async () => {
    const { path } = place('status.yaml');
    write(path, { old: 1 });
    const status = statusAt(path);
    await status.put('a', 1);
    write(path, { old: 2, other: 3 });
    await status.put('b', 1);
    expect((await status.list()).map(({ key, value }) => [key, value])).toEqual([
      ['b', 1],
      ['old', 2],
      ['other', 3],
    ]);
  });

  it('shared by all brokers of the process, by whatever links they reach it', async () => {
    const { dir, path } = place();
    const link = join(temporaryDirectory(), 'link');
    symlinkSync(dir, link);
    const [one, other] = [statusAt(path), statusAt(join(link, 'status.json'))];
    await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? one : other).put(`k${n}`, n)));
    expect(await one.listKeys()).toHaveLength(50);
    await other.close();
    expect(await one.listKeys()).toHaveLength(50);
  });
});

describe('filesStatus below publishTo', () => {
  it('follows what it is told, and takes out what an earlier process left', async () => {
    const { path } = place('status.yaml');
    write(path, { '/status/gone': 'down', '/status/a': 'down', '/other': 1 });
    const store = memoryStore();
    const codec = jsonCodec();
    const states = memoryBroker(store, { codec });
    await states.put('/status/a', 'up');
    const status = statusAt(path);
    const publishing = fromMemory(store, { prefixes: ['/status/'], codec })
      .pipe(publishTo(status))
      .subscribe();
    onTestFinished(() => publishing.unsubscribe());
    const holds = async () => Object.fromEntries((await status.list()).map(({ key, value }) => [key, value]));
    await expect.poll(holds, { timeout: 15_000 }).toEqual({ '/status/a': 'up', '/other': 1 });
    await states.put('/status/b', 'up');
    await states.delete('/status/a');
    await expect.poll(holds, { timeout: 15_000 }).toEqual({ '/status/b': 'up', '/other': 1 });
  });
});
