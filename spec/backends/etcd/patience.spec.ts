import { expect, it } from 'vitest';
import { Patience } from '../../../lib/backends/etcd/patience.ts';

it('waits twice as long for each stream that was given up at a revision, until one from there comes further', () => {
  const patience = new Patience(100);
  patience.answered();
  for (const longer of [100, 200, 400]) {
    expect(patience.at(7)).toBe(longer);
    patience.gave(7);
  }
  expect(patience.at(8)).toBe(100);
  patience.passed(7);
  expect(patience.at(7)).toBe(100);
});

it('waits longer everywhere where nobody has ever answered, and no longer than a timer can', () => {
  const patience = new Patience(100);
  patience.gave(7);
  patience.passed(7);
  patience.gave(8);
  expect([7, 8, 9].map((revision) => patience.at(revision))).toEqual([400, 400, 400]);
  for (let n = 0; n < 100; n++) patience.gave(9);
  expect(patience.at(9)).toBe(2_147_483_647);
  patience.answered();
  expect([7, 8].map((revision) => patience.at(revision))).toEqual([100, 200]);
});
