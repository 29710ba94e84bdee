import { rmSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createFiles, filesBroker } from '../../../lib/backends/files/index.ts';
import { protobufCodec } from '../../../lib/codecs/protobufCodec.ts';
import { publishTo } from '../../../lib/index.ts';
import { describeBroker } from '../../../lib/testing/index.ts';
import { failureOf } from '../../support/failureOf.ts';
import { ownDirectory, temporaryDirectory, write } from '../../support/files.ts';
import { recordBackend } from '../../support/recordBackend.ts';

const reason =
  'files of configuration are written by people and tools, programs only read them: edit the file; status goes to filesStatus';

describeBroker(
  {
    name: 'files, configuration',
    version: 'file system',
    capabilities: {
      write: false,
      ttl: false,
      lifetime: false,
      transactions: false,
      compareAndSwap: false,
      deletePrefix: false,
      reasons: {
        write: reason,
        ttl: reason,
        lifetime: reason,
        transactions: reason,
        compareAndSwap: reason,
        deletePrefix: reason,
      },
    },
    open: () => ownDirectory(),
    broker: (dir, made) => filesBroker({ paths: [dir], ...made }),
    close: (dir) => rmSync(dir, { recursive: true }),
  },
  { describe, it, report: recordBackend },
);

describe('filesBroker', () => {
  it('reads what a source would be told first: sorted, under a prefix, in a range', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'b.yaml'), { '/n/b': { mtu: 2 }, '/n/a': 'loses', '/nn': 0 });
    write(join(dir, 'a.json'), { '/n/a': { mtu: 1 }, '/n/c': 3 });
    const broker = filesBroker({ paths: [dir], prefix: '/n/' });
    expect(await broker.get('a')).toMatchObject({ found: true, value: { mtu: 1 } });
    expect(await broker.get('d')).toEqual({ found: false, key: 'd' });
    expect((await broker.list()).map(({ key, value }) => [key, value])).toEqual([
      ['a', { mtu: 1 }],
      ['b', { mtu: 2 }],
      ['c', 3],
    ]);
    expect(await broker.listKeys({ start: 'b', end: 'c' })).toEqual(['b']);
    expect(await broker.listKeys({ prefix: 'c' })).toEqual(['c']);
    write(join(dir, 'a.json'), {});
    expect(await broker.get('a')).toMatchObject({ value: 'loses' });
  });

  it('says why it cannot know, where a file is broken or missing', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    const missing = join(dir, 'none.yaml');
    const some = filesBroker({ paths: [dir, missing] });
    for (const call of [() => some.get('/a'), () => filesBroker({ paths: [missing] }).list()])
      await expect(call()).rejects.toMatchObject({ code: 'UNREADABLE', file: missing });
    write(join(dir, 'b.json'), '{"data": [');
    const broker = filesBroker({ paths: [dir] });
    for (const call of [() => broker.get('/none'), () => broker.list(), () => broker.listKeys()])
      await expect(call()).rejects.toMatchObject({ code: 'PARSE_FAILED', file: join(dir, 'b.json'), line: 1 });
  });

  it('rejects what is read of an entry without a value, and no more than that', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), '{"data": [{"key": "bad"}, {"key": "good", "value": 1}]}');
    const broker = filesBroker({ paths: [dir] });
    await expect(broker.get('bad')).rejects.toMatchObject({ code: 'DECODE_FAILED', backend: 'files', key: 'bad' });
    await expect(broker.list()).rejects.toThrow('the entry "bad" cannot be read: ');
    expect(await broker.get('good')).toMatchObject({ value: 1 });
    expect(await broker.list({ prefix: 'g' })).toHaveLength(1);
    expect(await broker.listKeys()).toEqual(['bad', 'good']);
  });

  it('takes texts that hold JSON for messages of a protobuf type, as a source does', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), { '/a': '{"name": "eth1"}' });
    const { root } = protobuf.parse('syntax = "proto3"; message Interface { string name = 1; }');
    const codec = protobufCodec(root.lookupType('Interface'), { format: 'json' });
    expect(await filesBroker({ paths: [dir], codec }).get('/a')).toMatchObject({ value: { name: 'eth1' } });
    const files = createFiles({ paths: [dir] });
    expect(await files.broker({ codec }).get('/a')).toMatchObject({ value: { name: 'eth1' } });
    const told = await firstValueFrom(files.source({ prefixes: [''], codec }));
    expect(told).toMatchObject({ entries: { items: [{ key: '/a', value: { name: 'eth1' } }] } });
    await expect(filesBroker({ paths: [dir], codec, jsonStrings: false }).get('/a')).rejects.toMatchObject({
      code: 'DECODE_FAILED',
    });
  });

  it('is refused by publishTo at once, with the reason', () => {
    const failure = failureOf(() => publishTo(filesBroker({ paths: ['config/'] })));
    expect(failure).toMatchObject({ code: 'UNSUPPORTED' });
    expect(failure.message).toContain(reason);
  });

  it('refuses wrong options at once', () => {
    expect(failureOf(() => filesBroker({ paths: [] })).message).toContain('at least one path');
    expect(failureOf(() => filesBroker({ paths: ['a'], pathz: 1 } as never)).message).toContain("'pathz'");
  });
});
