import { expect, it } from 'vitest';
import { Alignment } from '../../../lib/backends/etcd/alignment.ts';

const put = (key: string) => ({ op: 'put' as const, key, value: Uint8Array.of(1) });
const witness = (key: string) => ({ key, created: 1, modified: 1, version: 1 });

/** What is complete: revisions with their keys. */
function taken(alignment: Alignment): [number, string[]][] {
  return alignment.take().map(({ revision, changes }) => [revision, changes.map(({ key }) => key)]);
}

it('tells a revision when every watch has been heard up to it, once, with what all of them said', () => {
  const alignment = new Alignment(2, 10);
  expect([alignment.revision, alignment.isWaiting]).toEqual([10, false]);
  alignment.add(put('a/1'), 11, witness('a/1'));
  alignment.hear(11, 0);
  expect(taken(alignment)).toEqual([]);
  expect([alignment.revision, alignment.isWaiting]).toEqual([10, true]);
  alignment.add(put('b/1'), 11, undefined);
  alignment.hear(11, 1);
  expect(alignment.revision).toBe(11);
  const [transaction, ...more] = alignment.take();
  expect(transaction).toEqual({ revision: 11, changes: [put('a/1'), put('b/1')], witnesses: [witness('a/1')] });
  expect(more).toEqual([]);
  expect([taken(alignment), alignment.isWaiting]).toEqual([[], false]);
});

it('tells in order of revisions, whichever watch was faster', () => {
  const alignment = new Alignment(3, 0);
  for (const [watch, revisions] of [
    [0, [3, 7]],
    [2, [1, 8]],
    [1, [2, 7]],
  ] as const) {
    for (const revision of revisions) alignment.add(put(`${watch}`), revision, undefined);
    alignment.hear(revisions.at(-1)!, watch);
  }
  expect(taken(alignment)).toEqual([
    [1, ['2']],
    [2, ['1']],
    [3, ['0']],
    [7, ['0', '1']],
  ]);
  expect(alignment.isWaiting).toBe(true);
});

it('takes the word of the stream for all watches, and none back', () => {
  const alignment = new Alignment(2, 0);
  alignment.add(put('a'), 5, undefined);
  alignment.hear(5, 0);
  alignment.hear(9);
  expect(taken(alignment)).toEqual([[5, ['a']]]);
  alignment.hear(3);
  alignment.hear(4, 1);
  expect(alignment.revision).toBe(9);
  expect([8, 9, 10].map((revision) => alignment.hasHeard(1, revision))).toEqual([true, true, false]);
});
