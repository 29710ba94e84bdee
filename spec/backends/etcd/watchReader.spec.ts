import { expect, it } from 'vitest';
import { WatchAnswer } from '../../../lib/backends/etcd/answers.ts';
import { type WatchFrame, WatchReader } from '../../../lib/backends/etcd/watchReader.ts';
import { encodeMessage } from '../../../lib/backends/etcd/wire.ts';

/** What the server says of the stream as a whole carries the number -1. */
const stream = 2n ** 64n - 1n;

function answer(fields: Parameters<typeof encodeMessage>[0], revision: number): WatchAnswer {
  return new WatchAnswer(Buffer.from(encodeMessage({ 1: encodeMessage({ 3: revision }), ...fields })));
}

const created = (watch: number, revision: number): WatchAnswer => answer({ 2: watch, 3: true }, revision);
const progress = (revision: number): WatchAnswer => answer({ 2: stream }, revision);

function put(watch: number, key: string, revision: number): WatchAnswer {
  const kv = encodeMessage({ 1: key, 2: revision, 3: revision, 4: 1, 5: 'value' });
  return answer({ 2: watch, 11: [encodeMessage({ 2: kv })] }, revision);
}

function deleted(watch: number, key: string, revision: number): WatchAnswer {
  return answer({ 2: watch, 11: [encodeMessage({ 1: 1, 2: encodeMessage({ 1: key, 3: revision }) })] }, revision);
}

/** Two watches from revision 10 on. */
function reading(): WatchReader {
  const from = { revision: 10, cluster: 'c', term: 2, witnesses: [] };
  return new WatchReader({ prefixes: ['a/', 'b/'], from, encoding: 'utf8', watch: 'each', ordersProgress: true });
}

/** The revisions of the changes. */
function told(frames: Iterable<WatchFrame>): (number | undefined)[] {
  return [...frames].filter(({ type }) => type === 'changes').map(({ revision }) => revision);
}

it('what the stream says of itself before all watches stand is not taken for the word of the missing one', () => {
  const reader = reading();
  expect(told(reader.frames(created(1, 12)))).toEqual([]);
  expect(told(reader.frames(put(1, 'a/1', 12)))).toEqual([]);
  // The server does not know of the second watch yet, and so says nothing of it.
  expect(told(reader.frames(progress(12)))).toEqual([]);
  expect(reader.position.revision).toBe(10);
  expect(told(reader.frames(created(2, 12)))).toEqual([]);
  expect(told(reader.frames(put(2, 'b/1', 11)))).toEqual([11]);
  expect(told(reader.frames(progress(12)))).toEqual([12]);
  expect(reader.position.revision).toBe(12);
});

it('the stream is not asked before all watches stand, and then it is', () => {
  const reader = reading();
  for (const message of [created(1, 12), put(1, 'a/1', 12)]) told(reader.frames(message));
  expect(reader.isWaiting).toBe(false);
  told(reader.frames(created(2, 12)));
  expect(reader.isWaiting).toBe(true);
  expect(told(reader.frames(progress(12)))).toEqual([12]);
  expect(reader.isWaiting).toBe(false);
});

it('remembers keys that live on, however many come and go, and each as it was put last', () => {
  const first = { key: 'a/old', created: 3, modified: 4, version: 2 };
  const from = { revision: 10, cluster: 'c', term: 2, witnesses: [first] };
  const reader = new WatchReader({ prefixes: ['a/'], from, encoding: 'utf8', watch: 'span', ordersProgress: true });
  told(reader.frames(created(1, 10)));
  for (let n = 0; n < 20; n++) told(reader.frames(put(1, `a/${n}`, 11 + n)));
  expect(reader.position.witnesses).toHaveLength(8);
  expect(reader.position.witnesses).toContainEqual(first);
  expect(reader.position.witnesses).toContainEqual({ key: 'a/19', created: 30, modified: 30, version: 1 });
  for (let n = 0; n < 20; n++) told(reader.frames(deleted(1, `a/${n}`, 31 + n)));
  expect(reader.position.witnesses).toEqual([first]);
  told(reader.frames(put(1, 'a/old', 51)));
  expect(reader.position.witnesses).toEqual([{ key: 'a/old', created: 51, modified: 51, version: 1 }]);
  told(reader.frames(deleted(1, 'a/old', 52)));
  expect(reader.position.witnesses).toEqual([]);
});
