import { describe, expect, it } from 'vitest';
import { RangeAnswer } from '../../../lib/backends/etcd/answers.ts';
import {
  checkProof,
  type EtcdPosition,
  isPresent,
  presentRequest,
  proofRequest,
  type Witness,
} from '../../../lib/backends/etcd/position.ts';
import { encodeMessage, Reader } from '../../../lib/backends/etcd/wire.ts';

const older: Witness = { key: 'a/0', created: 3, modified: 3, version: 1 };
const newest: Witness = { key: 'a/1', created: 4, modified: 9, version: 2 };
// The id of a cluster, in hexadecimal.
const at: EtcdPosition = { revision: 10, cluster: '4d', term: 2, witnesses: [newest, older] };

interface Store {
  readonly cluster?: number;
  readonly revision?: number;
  readonly term?: number;
  readonly holds?: Witness | undefined;
}

function answer({ cluster = 0x4d, revision = 10, term = 2, holds }: Store): RangeAnswer {
  const kvs =
    holds === undefined ? [] : [encodeMessage({ 1: holds.key, 2: holds.created, 3: holds.modified, 4: holds.version })];
  return new RangeAnswer(
    Buffer.from(encodeMessage({ 1: encodeMessage({ 1: cluster, 3: revision, 4: term }), 2: kvs })),
  );
}

const regressed = expect.objectContaining({ name: 'ContinuityLost', reason: 'regressed' });

/** Stores that are another one than the one we know, or an older state of it. */
const others: readonly [string, Store][] = [
  ['another cluster', { cluster: 0x4e, holds: newest }],
  ['a lower revision', { revision: 9, holds: newest }],
  ['a lower term', { term: 1, holds: newest }],
];
/** Their key has another history. */
const changed: readonly [string, Store][] = [
  ['no such key', {}],
  ['a key that was made at another revision', { holds: { ...newest, created: 5 } }],
  ['a key that was changed at another revision', { holds: { ...newest, modified: 8 } }],
  ['a key that was changed more often', { holds: { ...newest, version: 3 } }],
];

describe('the proof that a store has the history it had', () => {
  it('holds for the same store, also later on', () => {
    for (const store of [{}, { revision: 11 }, { term: 3 }])
      expect(() => checkProof(at, answer({ ...store, holds: newest }))).not.toThrow();
  });

  it.each([...others, ...changed])('fails for %s', (_, store) => {
    expect(() => checkProof(at, answer(store))).toThrow(regressed);
  });

  it('compares cluster, revision and term where no key is known', () => {
    expect(() => checkProof({ ...at, witnesses: [] }, answer({}))).not.toThrow();
    for (const [, store] of others)
      expect(() => checkProof({ ...at, witnesses: [] }, answer(store))).toThrow(regressed);
  });
});

describe('whether its key is as it was', () => {
  it('is so while nobody changes it, and where none is known', () => {
    expect(isPresent(at, answer({ revision: 20, holds: newest }))).toBe(true);
    expect(isPresent({ ...at, witnesses: [] }, answer({ revision: 20 }))).toBe(true);
  });

  it.each(changed)('is not so for %s, which may have happened since', (_, store) => {
    expect(isPresent(at, answer({ ...store, revision: 20 }))).toBe(false);
  });

  it.each(others)('is no question for %s', (_, store) => {
    expect(() => isPresent(at, answer(store))).toThrow(regressed);
  });
});

it('asks for the key that was put last, at the revision or as it is now; else for the one that is given', () => {
  const fields = (request: Uint8Array) => {
    const reader = new Reader(Buffer.from(request));
    reader.varint();
    const length = reader.varint();
    const key = reader.message.toString('utf8', reader.at, reader.at + length);
    reader.at += length;
    const rest: number[] = [];
    while (reader.at < request.length) rest.push(reader.varint());
    // Tag and value: the limit, the revision, keys only.
    return [key, ...rest];
  };
  const given = Uint8Array.of(0x62);
  expect(fields(proofRequest(at, given, 'utf8'))).toEqual(['a/1', 24, 1, 32, 10, 64, 1]);
  expect(fields(presentRequest(at, given, 'utf8'))).toEqual(['a/1', 24, 1, 32, 0, 64, 1]);
  expect(fields(proofRequest({ ...at, witnesses: [] }, given, 'utf8'))[0]).toBe('b');
  expect(fields(proofRequest({ ...at, witnesses: [] }, new Uint8Array(), 'utf8'))[0]).toBe('\0');
});
