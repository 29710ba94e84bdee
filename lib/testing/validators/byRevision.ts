import type { ChangeEvent, ResyncEvent } from '../../model/events.ts';
import { isUnder } from '../../source/prefixes.ts';
import type { Fact } from '../steps.ts';
import { valueText } from '../text.ts';
import { ChangeComparison } from './changeByRevision.ts';
import type { Invariant } from './invariant.ts';
import { absenceOf, isUnlisted, onlyInBrokenListing } from './listing.ts';
import { held } from './memo.ts';
import { isBad, type Lineage } from './oracle.ts';
import type { Cell, Run, Stream, Telling } from './run.ts';
import { agrees, type Difference, isLastGood } from './truth.ts';

interface Mismatch {
  readonly key: string;
  readonly cell: Cell | undefined;
  readonly rejected: boolean;
  readonly fact: Fact<unknown>;
}

/** Compares every event with the store at the event's own revision. */
export function compareByRevision(run: Run, stream: Stream): Difference[] {
  const comparison = new ByRevision(run, stream);
  for (const telling of stream.tellings) comparison.take(telling);
  return comparison.found;
}

class ByRevision {
  readonly found: Difference[] = [];
  readonly #run: Run;
  readonly #stream: Stream;
  /** Where the subscription may stand: a revision alone does not say to which life of the store it belongs. */
  #lineages: readonly Lineage[];
  #view = new Map<string, Cell>();
  #rejected = new Set<string>();
  /** The highest revision told in this epoch. */
  #upTo = 0;

  constructor(run: Run, stream: Stream) {
    this.#run = run;
    this.#stream = stream;
    this.#lineages = run.oracle.lineages;
  }

  take(telling: Telling): void {
    const { event, base } = telling;
    if (base === undefined) return;
    if (event.type === 'resync') this.#takeResync(telling, event);
    else this.#takeChange(telling, event);
  }

  #find(invariant: Invariant, telling: Telling, message: string): void {
    this.found.push({ invariant, step: telling.step, message: `${this.#stream.name}: ${message}` });
  }

  #takeResync(telling: Telling, event: ResyncEvent<unknown>): void {
    this.#view = new Map(Array.from(event.entries, (item) => [item.key, item] as const));
    this.#rejected = new Set(event.rejected.map(({ key }) => key));
    this.#upTo = event.revision;
    const from = this.#lineages[0]!.index;
    const later = this.#run.oracle.lineages.slice(from);
    const best = leastOf(later, (lineage) => this.#mismatches(telling, event, lineage));
    // Back, as it says: to a later life of the store, where there is one like it.
    if (event.reason === 'regressed' && best.lineages.length > 1 && best.lineages[0]!.index === from)
      best.lineages.shift();
    this.#lineages = best.lineages;
    if (best.least.length > 0 && !isUnlisted(this.#run, telling)) this.#blameResync(telling, event, best.least);
  }

  #mismatches(telling: Telling, event: ResyncEvent<unknown>, lineage: Lineage): Mismatch[] {
    const keys = new Set([...lineage.keysUnder(event.prefixes), ...this.#view.keys(), ...this.#rejected]);
    const mismatches: Mismatch[] = [];
    for (const key of keys) {
      // I4 says that.
      if (!isUnder(key, event.prefixes)) continue;
      const mismatch = {
        key,
        cell: this.#view.get(key),
        rejected: this.#rejected.has(key),
        fact: lineage.at(key, event.revision),
      };
      if (!this.#isRight(mismatch, telling.before.get(key))) mismatches.push(mismatch);
    }
    return mismatches;
  }

  /** Value and revision are those of the store; where it cannot be decoded, the last good one stays. */
  #isRight({ key, cell, rejected, fact }: Mismatch, before: Cell | undefined): boolean {
    if (!agrees(cell, rejected, fact)) return false;
    return isBad(fact) ? isLastGood(this.#run.oracle, key, cell, before) : cell?.revision === fact?.revision;
  }

  #blameResync(telling: Telling, event: ResyncEvent<unknown>, mismatches: readonly Mismatch[]): void {
    const blamed = new Map<Invariant, string[]>();
    for (const mismatch of mismatches) {
      const { key, cell, rejected, fact } = mismatch;
      const value = cell === undefined ? 'nothing' : `${valueText(cell.value)}@${cell.revision}`;
      const was = fact === undefined ? 'nothing' : `${valueText(fact.value)}@${fact.revision}`;
      const told = rejected ? `rejected, with ${value}` : value;
      held(blamed, this.#blame(telling, event, mismatch), () => []).push(`${key} (told ${told}, was ${was})`);
    }
    for (const [invariant, texts] of blamed) {
      this.#find(
        invariant,
        telling,
        `the resync at ${event.revision} is not what the store held then: ${texts.join(', ')}`,
      );
    }
  }

  #blame(telling: Telling, event: ResyncEvent<unknown>, { key, cell, rejected, fact }: Mismatch): Invariant {
    if (rejected || isBad(fact)) return 'I40';
    if (cell !== undefined) return onlyInBrokenListing(this.#run, telling, key) ? 'I6' : 'I3';
    return absenceOf(this.#run, telling, event, key);
  }

  #takeChange(telling: Telling, event: ChangeEvent<unknown>): void {
    for (const change of event.changes) {
      if (change.op === 'put') this.#view.set(change.key, change);
      else this.#view.delete(change.key);
      this.#rejected.delete(change.key);
    }
    for (const { key } of event.rejected) this.#rejected.add(key);
    const after = this.#upTo;
    if (event.revision <= after) return;
    this.#upTo = event.revision;
    const seen = { view: this.#view, rejected: this.#rejected };
    const best = leastOf(this.#lineages, (lineage) =>
      new ChangeComparison(this.#run, telling, lineage, after, seen).blames(),
    );
    this.#lineages = best.lineages;
    for (const [invariant, message] of best.least) this.#find(invariant, telling, message);
  }
}

/** The lives of the store that leave least to complain of, and what that is. */
function leastOf<B>(
  lineages: readonly Lineage[],
  complaints: (lineage: Lineage) => B[],
): { lineages: Lineage[]; least: B[] } {
  const tried = lineages.map((lineage) => ({ lineage, found: complaints(lineage) }));
  const least = Math.min(...tried.map(({ found }) => found.length));
  const best = tried.filter(({ found }) => found.length === least);
  return { lineages: best.map(({ lineage }) => lineage), least: best[0]!.found };
}
