import type { ChangeEvent } from '../../model/events.ts';
import { keysText, valueText } from '../text.ts';
import { keysOf } from './fold.ts';
import type { Invariant } from './invariant.ts';
import { isBad, type Lineage, type Written } from './oracle.ts';
import type { Cell, Run, Telling } from './run.ts';
import { same } from './same.ts';
import { agrees, isLastGood } from './truth.ts';

/** What a subscriber sees, and what of it is not what the store holds. */
export interface Seen {
  readonly view: ReadonlyMap<string, Cell>;
  readonly rejected: ReadonlySet<string>;
}

/** What is wrong, and which promise that breaks. */
export type Blame = readonly [invariant: Invariant, message: string];

/** Compares one change with one life of the store, between the revision told before it and its own. */
export class ChangeComparison {
  readonly #run: Run;
  readonly #telling: Telling;
  readonly #event: ChangeEvent<unknown>;
  readonly #lineage: Lineage;
  /** The revision told before. */
  readonly #after: number;
  /** What was written since. */
  readonly #log: readonly Written[];
  /** What is seen once the change is applied. */
  readonly #seen: Seen;

  constructor(run: Run, telling: Telling, lineage: Lineage, after: number, seen: Seen) {
    this.#run = run;
    this.#telling = telling;
    this.#event = telling.event as ChangeEvent<unknown>;
    this.#lineage = lineage;
    this.#after = after;
    const resync = telling.base!.event;
    this.#log = lineage.between(after, this.#event.revision, resync.type === 'resync' ? resync.prefixes : []);
    this.#seen = seen;
  }

  /** Everything that is wrong. */
  blames(): Blame[] {
    return this.#event.coalesced ? [...this.#ofNet()] : [...this.#ofGap(), ...this.#ofExact()];
  }

  /** What lies between two events that follow each other and say that nothing was skipped. */
  *#ofGap(): Iterable<Blame> {
    const { revision: now } = this.#event;
    const missed = this.#log.filter(({ key, revision }) => {
      // Made and gone again before it could be told: that may vanish without a word.
      const isVanished = [now - 1, this.#after].every((at) => this.#lineage.at(key, at) === undefined);
      return revision < now && !isVanished && !this.#isToldElsewhere(revision);
    });
    if (missed.length === 0) return;
    const texts = missed.map(({ key, revision, fact }) => {
      return `${fact === undefined ? `!${key}` : `${key}:${valueText(fact.value)}`}@${revision}`;
    });
    const what = `between ${this.#after} and ${now}: ${texts.join(', ')}`;
    if (missed.every((written) => this.#isEqualPut(written))) {
      yield ['I16', `${what} not told, though each has a revision of its own`];
    } else if (this.#isForgotten(missed.at(-1)!.revision)) {
      yield ['I24', `${what} skipped: the store had forgotten them`];
    } else yield ['I10', `${what} lost`];
  }

  #isEqualPut({ key, revision, fact }: Written): boolean {
    return fact !== undefined && same(this.#lineage.at(key, revision - 1)?.value, fact.value);
  }

  #isForgotten(last: number): boolean {
    return this.#run.of('compacted').some(({ step, revision }) => step < this.#telling.step && revision >= last);
  }

  /** Told in another event of the epoch: out of order or in parts, which I12 and I13 say. */
  #isToldElsewhere(revision: number): boolean {
    const { stream, base } = this.#telling;
    return stream.tellings.some((other) => {
      const isOther = other !== this.#telling && other.base === base && other.event.type === 'change';
      return isOther && other.event.revision === revision;
    });
  }

  *#ofExact(): Iterable<Blame> {
    const { revision, changes, rejected } = this.#event;
    const told = new Set(keysOf(this.#event));
    const missing = this.#log.filter((written) => written.revision === revision && !told.has(written.key));
    const isWhole = this.#telling.stream.capabilities.atomic === 'revision';
    if (missing.length > 0 && isWhole && !this.#isToldElsewhere(revision)) {
      const keys = keysText(missing.map(({ key }) => key));
      yield ['I13', `of revision ${revision} only ${keysText(told)} was told, not ${keys}`];
    }
    for (const change of changes) {
      const written = this.#lineage.writtenAt(change.key, change.revision);
      if (isWritten(change, written)) continue;
      const fact = written?.fact;
      const was = fact === undefined ? 'it was deleted' : `it was put to ${valueText(fact.value)}`;
      const what = change.op === 'put' ? `${change.key} = ${valueText(change.value)}` : `the delete of ${change.key}`;
      const invariant = isBad(fact) ? 'I40' : change.op === 'put' ? 'I19' : 'I15';
      const instead = written === undefined ? 'nothing was written' : was;
      yield [invariant, `${what} is told for revision ${change.revision}, but ${instead} there`];
    }
    for (const { key } of rejected) yield* this.#ofRejected(key);
  }

  *#ofRejected(key: string): Iterable<Blame> {
    const { revision } = this.#event;
    const fact = this.#lineage.at(key, revision);
    const cell = this.#seen.view.get(key);
    const isNamed = keysOf(this.#event).includes(key);
    const before = isNamed ? this.#telling.before.get(key) : cell;
    if (this.#seen.rejected.has(key) && isBad(fact) && isLastGood(this.#run.oracle, key, cell, before)) return;
    const shows = `shows ${valueText(cell?.value)} after ${valueText(before?.value)}`;
    const how = this.#seen.rejected.has(key) ? 'rejected' : 'not rejected';
    yield ['I40', `${key} is ${how} at ${revision} and ${shows}; the store held ${valueText(fact?.value)}`];
  }

  /** A coalesced change brings the view to what the store held at its revision, whatever happened on the way. */
  *#ofNet(): Iterable<Blame> {
    const { revision, changes } = this.#event;
    for (const key of new Set([...this.#log.map((written) => written.key), ...keysOf(this.#event)])) {
      const fact = this.#lineage.at(key, revision);
      const cell = this.#seen.view.get(key);
      const isRejected = this.#seen.rejected.has(key);
      const leaves = `the coalesced change at ${revision} leaves ${key} at`;
      if (isBad(fact) || isRejected) yield* this.#ofRejected(key);
      else if (!agrees(cell, isRejected, fact)) {
        yield ['I32', `${leaves} ${valueText(cell?.value)}; the store held ${valueText(fact?.value)}`];
      } else if (cell?.revision !== fact?.revision) {
        yield ['I16', `${leaves} revision ${cell?.revision}; its latest put was at ${fact?.revision}`];
      }
    }
    for (const { op, key, revision: at } of changes) {
      const isDeleted = this.#log.some((written) => written.key === key && written.fact === undefined);
      const isAnything = this.#lineage.writtenAt(key, at) !== undefined;
      if (op === 'put' || (isDeleted && isAnything)) continue;
      yield ['I15', `${key} is told as deleted at ${at}, where the store did not delete it`];
    }
  }
}

function isWritten(change: ChangeEvent<unknown>['changes'][number], written: Written | undefined): boolean {
  if (written === undefined) return false;
  if (change.op === 'delete') return written.fact === undefined;
  return written.fact !== undefined && same(written.fact.value, change.value);
}
