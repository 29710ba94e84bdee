import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FilesStatusConfig, filesStatus } from '../../../lib/backends/files/index.ts';
import { memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { fromMemory, jsonCodec, memoryBroker, publishTo } from '../../../lib/index.ts';
import type { Broker } from '../../../lib/model/broker.ts';
import { failureOf } from '../../support/failureOf.ts';
import { temporaryDirectory, until, write } from '../../support/files.ts';

function place(name = 'status.json'): { dir: string; path: string } {
  const dir = temporaryDirectory();
  return { dir, path: join(dir, name) };
}

function statusAt(path: string, config: Partial<FilesStatusConfig<unknown>> = {}): Broker<unknown> {
  const broker = filesStatus({ path, ...config });
  onTestFinished(() => broker.close());
  return broker;
}

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

  it.each(['status.json', 'status.yaml'])('so that every key and value comes back: %s', async (name) => {
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
      { seed: 1, numRuns: 200 },
    );
  });
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

describe('filesStatus refuses', () => {
  const refusal = (path: string) => {
    const failure = failureOf(() => filesStatus({ path }));
    expect(failure).toMatchObject({ code: 'INVALID_CONFIG', backend: 'files', file: path });
    return failure.message;
  };

  it('a directory, a link, what is no file, and an extension it does not know', () => {
    const { dir, path } = place();
    expect(refusal(dir)).toContain(`no status can be kept at ${dir}: it is a directory; give the path of a file`);
    expect(refusal(`${dir}/new/`)).toContain('it is the name of a directory');
    symlinkSync(join(dir, 'elsewhere.json'), path);
    expect(refusal(path)).toContain('it is a link, which is not followed');
    expect(refusal('/dev/null')).toContain('it is no regular file');
    expect(refusal(join(dir, 'status.txt'))).toContain('its extension must say the format: .json, .yaml, .yml');
    expect(refusal(join(dir, 'status'))).toContain('its extension');
  });

  it('wrong options', () => {
    expect(failureOf(() => filesStatus({} as never)).message).toContain("the option 'path' is missing");
    expect(failureOf(() => filesStatus({ path: 'a.json', intervall: 1 } as never)).message).toContain('intervall');
  });

  it('a path that has become a directory or a link since, until that is gone', async () => {
    const { dir, path } = place();
    const status = statusAt(path);
    mkdirSync(path);
    await expect(status.put('a', 1)).rejects.toMatchObject({ code: 'UNREADABLE', file: path });
    await expect(status.get('a')).rejects.toThrow('it is a directory; give the path of a file');
    rmSync(path, { recursive: true });
    symlinkSync(join(dir, 'elsewhere.json'), path);
    await expect(status.put('a', 1)).rejects.toThrow('it is a link');
    expect(readdirSync(dir)).toEqual(['status.json']);
    rmSync(path);
    await status.put('a', 2);
    expect(await status.list()).toMatchObject([{ key: 'a', value: 2 }]);
  });

  it('a directory that does not exist, and makes none; what was asked for later is done', async () => {
    const { dir } = place();
    const path = join(dir, 'run', 'status.json');
    const status = statusAt(path);
    await expect(Promise.all([status.put('a', 1), status.put('b', 1)])).rejects.toMatchObject({
      code: 'UNWRITABLE',
      backend: 'files',
      file: path,
    });
    expect(readdirSync(dir)).toEqual([]);
    expect(await status.list()).toEqual([]);
    mkdirSync(join(dir, 'run'));
    await status.put('c', 1);
    expect(await status.listKeys()).toEqual(['c']);
  });

  it('a file that is none of its own, and leaves it as it is', async () => {
    const { path } = place('status.yaml');
    const mine = 'endpoints:\n  - 10.0.0.1\n';
    writeFileSync(path, mine);
    const status = statusAt(path);
    await expect(status.put('a', 1)).rejects.toMatchObject({ code: 'PARSE_FAILED', file: path });
    await expect(status.list()).rejects.toThrow(
      `the status file ${path} is none, and is left as it is; remove it, or give another path (${path}: it has no \`data\``,
    );
    expect(text(path)).toBe(mine);
    writeFileSync(path, '\n');
    await status.put('a', 1);
    expect(await status.listKeys()).toEqual(['a']);
  });

  it('values that are not JSON, before anything is written', async () => {
    const { dir, path } = place();
    const status = filesStatus({ path, codec: textCodec });
    const txn = status.txn().put('a', '1').put('b', 'plain');
    await expect(txn.commit()).rejects.toMatchObject({ code: 'ENCODE_FAILED', key: 'b' });
    await expect(status.put('b', 'plain')).rejects.toThrow('use a codec that writes JSON');
    expect(readdirSync(dir)).toEqual([]);
    await status.put('a', ' { "b" : 1 } ');
    expect(text(path)).toContain('"value": {"b":1}');
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
