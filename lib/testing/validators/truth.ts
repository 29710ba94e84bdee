import type { Fact } from '../steps.ts';
import { compareByRevision } from './byRevision.ts';
import { compareByValue } from './byValue.ts';
import type { Finding, Invariant } from './invariant.ts';
import { isBad, type Oracle } from './oracle.ts';
import type { Cell, Run } from './run.ts';
import { same } from './same.ts';

/** A difference between what was told and what the store held, under the promise it breaks. */
export interface Difference extends Finding {
  readonly invariant: Invariant;
}

const compared = new WeakMap<Run, readonly Difference[]>();

/**
 * Every difference between events and truth, each under one promise only: the one that says best what went wrong.
 * Events with a revision of the store are compared revision by revision, all others by the order of values.
 */
export function differencesFromTruth(run: Run): readonly Difference[] {
  const known = compared.get(run);
  if (known !== undefined) return known;
  const differences: Difference[] = [];
  if (run.has.has('truth')) {
    for (const stream of run.streams) {
      const compare = stream.capabilities.revision === 'store' ? compareByRevision : compareByValue;
      differences.push(...compare(run, stream));
    }
  }
  compared.set(run, differences);
  return differences;
}

/** The differences under one promise. */
export function* differences(run: Run, invariant: Invariant): Iterable<Finding> {
  for (const { invariant: broken, step, message } of differencesFromTruth(run))
    if (broken === invariant) yield { step, message };
}

/** Whether what was told of a key is what the store held. Whether a last good value may stay is another question. */
export function agrees(cell: Cell | undefined, rejected: boolean, fact: Fact<unknown>): boolean {
  if (isBad(fact)) return rejected;
  if (rejected) return false;
  return fact === undefined ? cell === undefined : cell !== undefined && same(cell.value, fact.value);
}

/** Whether a key that cannot be decoded may show this: the last good value told, a later one, or nothing if it was deleted since. */
export function isLastGood(oracle: Oracle, key: string, cell: Cell | undefined, before: Cell | undefined): boolean {
  if (cell === undefined) return before === undefined || oracle.wasDeletedAfter(key, before.value);
  return (before !== undefined && same(cell.value, before.value)) || oracle.everHeld(key, cell.value);
}
