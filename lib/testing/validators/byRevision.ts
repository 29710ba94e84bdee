import type { ChangeEvent, ResyncEvent } from '../../model/events.ts';
import { isUnder } from '../../source/prefixes.ts';
import type { Fact } from '../steps.ts';
import { keysText, valueText } from '../text.ts';
import { keysOf } from './fold.ts';
import type { Invariant } from './invariant.ts';
import { absenceOf, isUnlisted, onlyInBrokenListing } from './listing.ts';
import { isBad, type Lineage, type Written } from './oracle.ts';
import type { Cell, Run, Stream, Telling } from './run.ts';
import { same } from './same.ts';
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
  /** Where the subscription may stand: a revision alone does not say which life of the store it belongs to. */
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
    else this.#takeChange(telling, event, (base.event as ResyncEvent<unknown>).prefixes);
  }

  #find(invariant: Invariant, telling: Telling, message: string): void {
    this.found.push({ invariant, step: telling.step, message: `${this.#stream.name}: ${message}` });
  }

  // ---- resyncs ----------------------------------------------------------------------------------------------------

  #takeResync(telling: Telling, event: ResyncEvent<unknown>): void {
    this.#view = new Map(Array.from(event.entries, ({ key, value, revision }) => [key, { value, revision }] as const));
    this.#rejected = new Set(event.rejected.map(({ key }) => key));
    this.#upTo = event.revision;
    const from = this.#lineages[0]!.index;
    const tried = this.#run.oracle.lineages
      .slice(from)
      .map((lineage) => ({ lineage, mismatches: this.#mismatches(telling, event, lineage) }));
    const least = Math.min(...tried.map(({ mismatches }) => mismatches.length));
    const best = tried.filter(({ mismatches }) => mismatches.length === least);
    // Back to where it says it is: to a later life of the store, where there is one like it.
    if (event.reason === 'regressed' && best.length > 1 && best[0]!.lineage.index === from) best.shift();
    this.#lineages = best.map(({ lineage }) => lineage);
    if (least > 0 && !isUnlisted(this.#run, telling)) this.#blameResync(telling, event, best[0]!.mismatches);
  }

  #mismatches(telling: Telling, event: ResyncEvent<unknown>, lineage: Lineage): Mismatch[] {
    const keys = new Set([...lineage.keysUnder(event.prefixes), ...this.#view.keys(), ...this.#rejected]);
    const mismatches: Mismatch[] = [];
    for (const key of keys) {
      // I4 says that.
      if (!isUnder(key, event.prefixes)) continue;
      const [cell, rejected, fact] = [this.#view.get(key), this.#rejected.has(key), lineage.at(key, event.revision)];
      if (this.#holds(telling, key, cell, rejected, fact)) continue;
      mismatches.push({ key, cell, rejected, fact });
    }
    return mismatches;
  }

  /** Value and revision are those of the store; where it cannot be decoded, the last good one stays. */
  #holds(telling: Telling, key: string, cell: Cell | undefined, rejected: boolean, fact: Fact<unknown>): boolean {
    if (!agrees(cell, rejected, fact)) return false;
    if (isBad(fact)) return isLastGood(this.#run.oracle, telling, key, cell, telling.before.get(key));
    return cell?.revision === fact?.revision;
  }

  #blameResync(telling: Telling, event: ResyncEvent<unknown>, mismatches: readonly Mismatch[]): void {
    const blamed = new Map<Invariant, Mismatch[]>();
    for (const mismatch of mismatches) {
      const invariant = this.#blame(telling, event, mismatch);
      blamed.set(invariant, [...(blamed.get(invariant) ?? []), mismatch]);
    }
    for (const [invariant, broken] of blamed) {
      const keys = broken.map(({ key, cell, rejected, fact }) => {
        const told = rejected
          ? `rejected, with ${valueText(cell?.value)}`
          : cell === undefined
            ? 'nothing'
            : `${valueText(cell.value)}@${cell.revision}`;
        return `${key} (told ${told}, was ${fact === undefined ? 'nothing' : `${valueText(fact.value)}@${fact.revision}`})`;
      });
      this.#find(
        invariant,
        telling,
        `the resync at ${event.revision} is not what the store held then: ${keys.join(', ')}`,
      );
    }
  }

  #blame(telling: Telling, event: ResyncEvent<unknown>, { key, cell, rejected, fact }: Mismatch): Invariant {
    if (rejected || isBad(fact)) return 'I40';
    if (cell !== undefined) return onlyInBrokenListing(this.#run, telling, key) ? 'I6' : 'I3';
    return absenceOf(this.#run, telling, event, key);
  }

  // ---- changes ----------------------------------------------------------------------------------------------------

  #takeChange(telling: Telling, event: ChangeEvent<unknown>, prefixes: readonly string[]): void {
    const likely = this.#lineages.filter((lineage) => isLikely(event, lineage));
    if (likely.length > 0) this.#lineages = likely;
    const lineage = this.#lineages[0]!;
    const before = new Map(keysOf(event).map((key) => [key, this.#view.get(key)] as const));
    this.#apply(event);
    const after = this.#upTo;
    if (event.revision <= after) return;
    this.#upTo = event.revision;
    const log = lineage.between(after, event.revision, prefixes);
    if (event.coalesced) this.#compareNet(telling, event, lineage, log, before);
    else this.#compareExact(telling, event, lineage, after, log, before);
  }

  #apply(event: ChangeEvent<unknown>): void {
    for (const change of event.changes) {
      if (change.op === 'put') this.#view.set(change.key, { value: change.value, revision: change.revision });
      else this.#view.delete(change.key);
      this.#rejected.delete(change.key);
    }
    for (const { key } of event.rejected) this.#rejected.add(key);
  }

  #compareExact(
    telling: Telling,
    event: ChangeEvent<unknown>,
    lineage: Lineage,
    after: number,
    log: readonly Written[],
    before: ReadonlyMap<string, Cell | undefined>,
  ): void {
    const { revision } = event;
    const told = new Set(keysOf(event));
    this.#compareGap(
      telling,
      event,
      lineage,
      after,
      log.filter((written) => written.revision < revision),
    );
    const missing = log.filter((written) => written.revision === revision && !told.has(written.key));
    if (
      missing.length > 0 &&
      this.#stream.capabilities.atomic === 'revision' &&
      !this.#toldElsewhere(telling, revision)
    ) {
      this.#find(
        'I13',
        telling,
        `of revision ${revision} only ${keysText(told)} was told, not ${keysText(missing.map(({ key }) => key))}`,
      );
    }
    for (const change of event.changes) {
      const written = lineage.writtenAt(change.key, change.revision);
      if (isWritten(change, written)) continue;
      const was =
        written === undefined
          ? 'nothing was written'
          : `it was ${written.fact === undefined ? 'deleted' : `put to ${valueText(written.fact.value)}`}`;
      const what = change.op === 'put' ? `${change.key} = ${valueText(change.value)}` : `the delete of ${change.key}`;
      const invariant = isBad(written?.fact) ? 'I40' : change.op === 'put' ? 'I19' : 'I15';
      this.#find(invariant, telling, `${what} is told for revision ${change.revision}, but ${was} there`);
    }
    for (const { key } of event.rejected) this.#compareRejected(telling, event, lineage, key, before.get(key));
  }

  #compareRejected(
    telling: Telling,
    event: ChangeEvent<unknown>,
    lineage: Lineage,
    key: string,
    before: Cell | undefined,
  ): void {
    const fact = lineage.at(key, event.revision);
    const cell = this.#view.get(key);
    if (this.#holdsLastGood(telling, key, cell, fact, before)) return;
    const was = fact === undefined ? 'nothing' : valueText(fact.value);
    this.#find(
      'I40',
      telling,
      `${key} is rejected at ${event.revision} and shows ${valueText(cell?.value)} after ${valueText(before?.value)}; the store held ${was}`,
    );
  }

  #holdsLastGood(
    telling: Telling,
    key: string,
    cell: Cell | undefined,
    fact: Fact<unknown>,
    before: Cell | undefined,
  ): boolean {
    return isBad(fact) && isLastGood(this.#run.oracle, telling, key, cell, before);
  }

  /** What lies between two events that follow each other and say that nothing was skipped. */
  #compareGap(
    telling: Telling,
    event: ChangeEvent<unknown>,
    lineage: Lineage,
    after: number,
    log: readonly Written[],
  ): void {
    const missed = log.filter((written) => {
      // Created and gone again before it could be told: that may vanish without a word.
      const vanished =
        lineage.at(written.key, event.revision - 1) === undefined && lineage.at(written.key, after) === undefined;
      return !vanished && !this.#toldElsewhere(telling, written.revision);
    });
    if (missed.length === 0) return;
    const last = missed.at(-1)!.revision;
    const compacted = this.#run.of('compacted').some(({ step, revision }) => step < telling.step && revision >= last);
    const identical = missed.every(
      ({ key, revision, fact }) => fact !== undefined && same(lineage.at(key, revision - 1)?.value, fact.value),
    );
    const invariant = identical ? 'I16' : compacted ? 'I24' : 'I10';
    const what = missed.map(
      ({ key, revision, fact }) => `${fact === undefined ? `!${key}` : `${key}:${valueText(fact.value)}`}@${revision}`,
    );
    const how = identical
      ? 'not told, though each has a revision of its own'
      : compacted
        ? 'skipped: the store had forgotten them'
        : 'lost';
    this.#find(invariant, telling, `between ${after} and ${event.revision}: ${what.join(', ')} ${how}`);
  }

  /** Told in another event of the epoch: out of order or in parts, which I12 and I13 say. */
  #toldElsewhere(telling: Telling, revision: number): boolean {
    return this.#stream.tellings.some(
      (other) =>
        other !== telling &&
        other.base === telling.base &&
        other.event.type === 'change' &&
        other.event.revision === revision,
    );
  }

  /** A coalesced event brings the view to what the store held at its revision, whatever happened on the way. */
  #compareNet(
    telling: Telling,
    event: ChangeEvent<unknown>,
    lineage: Lineage,
    log: readonly Written[],
    before: ReadonlyMap<string, Cell | undefined>,
  ): void {
    const named = keysOf(event);
    for (const key of new Set([...log.map((written) => written.key), ...named])) {
      const [cell, rejected, fact] = [this.#view.get(key), this.#rejected.has(key), lineage.at(key, event.revision)];
      if (isBad(fact) || rejected) {
        this.#compareRejected(telling, event, lineage, key, named.includes(key) ? before.get(key) : cell);
      } else if (!agrees(cell, rejected, fact)) {
        this.#find(
          'I32',
          telling,
          `the coalesced change at ${event.revision} leaves ${key} at ${valueText(cell?.value)}; the store held ${valueText(fact?.value)}`,
        );
      } else if (cell?.revision !== fact?.revision) {
        this.#find(
          'I16',
          telling,
          `the coalesced change at ${event.revision} leaves ${key} at revision ${cell?.revision}; its latest put was at ${fact?.revision}`,
        );
      }
    }
    for (const change of event.changes) {
      if (change.op === 'put') continue;
      const fact = lineage.writtenAt(change.key, change.revision);
      const wasDeleted = log.some((written) => written.key === change.key && written.fact === undefined);
      if (fact === undefined || !wasDeleted)
        this.#find(
          'I15',
          telling,
          `${change.key} is told as deleted at ${change.revision}, where the store did not delete it`,
        );
    }
  }
}

/** Whether an event can come from one life of the store. */
function isLikely(event: ChangeEvent<unknown>, lineage: Lineage): boolean {
  const isAll = event.changes.every((change) => isWritten(change, lineage.writtenAt(change.key, change.revision)));
  return isAll && event.rejected.every(({ key }) => isBad(lineage.at(key, event.revision)));
}

function isWritten(change: ChangeEvent<unknown>['changes'][number], written: Written | undefined): boolean {
  if (written === undefined) return false;
  if (change.op === 'delete') return written.fact === undefined;
  return written.fact !== undefined && same(written.fact.value, change.value);
}
