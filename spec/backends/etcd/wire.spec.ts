import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import protobuf from 'protobufjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { RangeAnswer, WatchAnswer } from '../../../lib/backends/etcd/answers.ts';
import { encodeMessage, safe, textField } from '../../../lib/backends/etcd/wire.ts';

/** The messages as etcd3 ships them. */
let root: protobuf.Root;
const type = (name: string): protobuf.Type => root.lookupType(`etcdserverpb.${name}`);
const bytesOf = (name: string, fields: object): Buffer =>
  Buffer.from(type(name).encode(type(name).fromObject(fields)).finish());

beforeAll(async () => {
  const directory = join(dirname(createRequire(import.meta.url).resolve('etcd3')), '../proto');
  root = await protobuf.load(join(directory, 'rpc.proto'));
});

const kv = (key: string, value: string, modified: number) => ({
  key: Buffer.from(key),
  value: Buffer.from(value),
  createRevision: 3,
  modRevision: modified,
  version: 2,
  lease: 77,
});

/** Keys and values of an answer, with their revisions. */
function entriesOf(answer: RangeAnswer): string[] {
  const { cursor, message } = answer;
  const all: string[] = [];
  while (answer.next()) {
    const key = message.toString('utf8', cursor.keyStart, cursor.keyEnd);
    const value = message.toString('utf8', cursor.valueStart, cursor.valueEnd);
    all.push(`${key}=${value}@${cursor.created}/${cursor.modified}/${cursor.version}`);
  }
  return all;
}

describe('the messages of etcd, by hand', () => {
  it('writes what protobuf reads', () => {
    const written = encodeMessage({ 1: Buffer.from('a'), 2: Uint8Array.of(98), 3: 100_000, 4: 2 ** 52 + 1, 8: true });
    const range = type('RangeRequest').toObject(type('RangeRequest').decode(Buffer.from(written)), { longs: Number });
    expect({ ...range }).toEqual({
      key: Buffer.from('a'),
      rangeEnd: Buffer.from('b'),
      limit: 100_000,
      revision: 2 ** 52 + 1,
      keysOnly: true,
    });
  });

  it('reads an answer, the last key ahead of the others', () => {
    const header = { clusterId: '18446744073709551615', memberId: 5, revision: 2 ** 53 - 1, raftTerm: 7 };
    const kvs = [kv('a', '', 300), kv('b', 'x'.repeat(300), 2 ** 40), kv('ü', 'é', 5)];
    const answer = new RangeAnswer(bytesOf('RangeResponse', { header, kvs, more: true, count: 9 }));
    expect(answer).toMatchObject({
      header: { cluster: 'ffffffffffffffff', revision: 2 ** 53 - 1, term: 7 },
      more: true,
      size: 3,
    });
    expect(Buffer.from(answer.lastKey()).toString()).toBe('ü');
    expect(entriesOf(answer)).toEqual(['a=@3/300/2', `b=${'x'.repeat(300)}@3/${2 ** 40}/2`, 'ü=é@3/5/2']);
  });

  it('reads an empty answer', () => {
    const answer = new RangeAnswer(bytesOf('RangeResponse', { header: { revision: 1 } }));
    expect(answer).toMatchObject({ header: { revision: 1 }, more: false, size: 0 });
    expect(answer.next()).toBe(false);
  });

  it('refuses an answer that ends within a field', () => {
    const whole = bytesOf('RangeResponse', { header: { revision: 1 }, kvs: [kv('a', 'value', 1)] });
    expect(() => new RangeAnswer(whole.subarray(0, whole.length - 3))).toThrow('ends within a field');
  });

  it('tells a revision that a number cannot carry', () => {
    const answer = (revision: string) => new RangeAnswer(bytesOf('RangeResponse', { header: { revision } }));
    expect(safe(answer('9007199254740991').header.revision)).toBe(true);
    expect(safe(answer('9007199254740993').header.revision)).toBe(false);
    expect(safe(answer('-1').header.revision)).toBe(false);
  });

  it('reads the events of a watch', () => {
    const events = [
      { kv: kv('a', '1', 8) },
      { type: 1, kv: { key: Buffer.from('b'), modRevision: 8 }, prevKv: kv('b', 'old', 4) },
      { kv: kv('c', '', 9) },
    ];
    const answer = new WatchAnswer(bytesOf('WatchResponse', { header: { revision: 12 }, watchId: 3, events }));
    expect(answer).toMatchObject({ revision: 12, watch: 3, created: false, canceled: false, hasEvents: true });
    const seen: unknown[] = [];
    for (let op = answer.next(); op !== undefined; op = answer.next()) {
      const { cursor, message } = answer;
      seen.push([op, message.toString('utf8', cursor.keyStart, cursor.keyEnd), cursor.modified]);
    }
    expect(seen).toEqual([
      ['put', 'a', 8],
      ['delete', 'b', 8],
      ['put', 'c', 9],
    ]);
  });

  it('reads how a watch ended', () => {
    const fields = { watchId: -1, created: true, canceled: true, compactRevision: 40, cancelReason: 'why' };
    const answer = new WatchAnswer(bytesOf('WatchResponse', fields));
    expect(answer).toMatchObject({
      watch: undefined,
      created: true,
      canceled: true,
      compacted: 40,
      reason: 'why',
      hasEvents: false,
    });
  });

  it('reads a token', () => {
    expect(textField(bytesOf('AuthenticateResponse', { header: { revision: 1 }, token: 'abc.1' }), 2)).toBe('abc.1');
    expect(textField(bytesOf('AuthenticateResponse', { header: { revision: 1 } }), 2)).toBe('');
  });
});
