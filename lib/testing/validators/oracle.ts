import { isUnder } from '../../source/prefixes.ts';
import { type Fact, type StepOf, undecodable } from '../steps.ts';
import { same } from './same.ts';

/** One key of one write. */
export interface Written {
  readonly key: string;
  readonly fact: Fact<unknown>;
  readonly revision: number;
  readonly step: number;
  /** The place of its write in the order of all writes. */
  readonly index: number;
}

type WriteStep = StepOf<unknown, 'write'>;

/** The store from one wipe or restore to the next: revisions only grow. */
export class Lineage {
  readonly index: number;
  /** The step of its first write. */
  readonly beganAt: number;
  /** In order; a key that was carried over from before has no entry of its own. */
  readonly log: Written[] = [];
  readonly keys: Map<string, Written[]> = new Map();
  /** What was there when it began. */
  readonly #start: ReadonlyMap<string, Fact<unknown>>;

  constructor(index: number, beganAt: number, start: ReadonlyMap<string, Fact<unknown>>) {
    this.index = index;
    this.beganAt = beganAt;
    this.#start = start;
  }

  add(written: Written): void {
    this.log.push(written);
    const known = this.keys.get(written.key);
    if (known === undefined) this.keys.set(written.key, [written]);
    else known.push(written);
  }

  /** What a key held at a revision. */
  at(key: string, revision: number): Fact<unknown> {
    const written = this.keys.get(key);
    const later = written === undefined ? 0 : firstAfter(written, revision);
    return later === 0 ? this.#start.get(key) : written![later - 1]!.fact;
  }

  /** What was written to a key at exactly a revision. */
  writtenAt(key: string, revision: number): Written | undefined {
    const written = this.keys.get(key);
    const last = written?.[firstAfter(written, revision) - 1];
    return last?.revision === revision ? last : undefined;
  }

  /** What was written to keys under the prefixes after one revision and up to another, oldest first. */
  between(after: number, upTo: number, prefixes: readonly string[]): Written[] {
    return this.log
      .slice(firstAfter(this.log, after), firstAfter(this.log, upTo))
      .filter(({ key }) => isUnder(key, prefixes));
  }

  /** All keys under the prefixes that ever were. */
  *keysUnder(prefixes: readonly string[]): Iterable<string> {
    for (const key of new Set([...this.#start.keys(), ...this.keys.keys()])) if (isUnder(key, prefixes)) yield key;
  }

  /** The state at a revision, present keys only. */
  stateAt(revision: number, prefixes: readonly string[]): Map<string, NonNullable<Fact<unknown>>> {
    const state = new Map<string, NonNullable<Fact<unknown>>>();
    for (const key of this.keysUnder(prefixes)) {
      const fact = this.at(key, revision);
      if (fact !== undefined) state.set(key, fact);
    }
    return state;
  }
}

/** What the store held, when: the truth that events are compared with. */
export class Oracle {
  readonly lineages: Lineage[] = [];
  /** Every write of a key, over all lineages. */
  readonly keys: Map<string, Written[]> = new Map();
  readonly writes: readonly WriteStep[];
  /** What each write changed. */
  readonly byIndex: (readonly Written[])[] = [];
  readonly #now = new Map<string, Fact<unknown>>();

  constructor(writes: readonly WriteStep[]) {
    this.writes = writes;
    let last = Number.NEGATIVE_INFINITY;
    for (const [index, write] of writes.entries()) {
      const { revision, step } = write;
      const facts = new Map(write.facts);
      if (write.whole)
        for (const [key, fact] of this.#now) if (fact !== undefined && !facts.has(key)) facts.set(key, undefined);
      if (revision <= last || this.lineages.length === 0)
        this.lineages.push(new Lineage(this.lineages.length, step, new Map(this.#now)));
      last = revision;
      const lineage = this.lineages.at(-1)!;
      const changed: Written[] = [];
      this.byIndex.push(changed);
      for (const [key, fact] of facts) {
        // A dump of everything says nothing new of most keys.
        if (write.whole && sameFact(this.#now.get(key), fact)) continue;
        const written = { key, fact, revision, step, index };
        lineage.add(written);
        changed.push(written);
        const known = this.keys.get(key);
        if (known === undefined) this.keys.set(key, [written]);
        else known.push(written);
        this.#now.set(key, fact);
      }
    }
  }

  get lastLineage(): Lineage | undefined {
    return this.lineages.at(-1);
  }

  /** The revision of the last write before a step. */
  revisionBefore(step: number): number {
    return this.writes.findLast((write) => write.step < step)?.revision ?? 0;
  }

  /** What a key held in the end. */
  finally(key: string): Fact<unknown> {
    return this.#now.get(key);
  }

  /** What a key held when a step was recorded. */
  asOf(key: string, step: number): Fact<unknown> {
    return (this.keys.get(key) ?? []).findLast((written) => written.step < step)?.fact;
  }

  /** Whether a key was absent at some time from one step to another. */
  wasAbsent(key: string, from: number, to: number): boolean {
    const written = this.keys.get(key) ?? [];
    return (
      this.asOf(key, from) === undefined ||
      written.some(({ step, fact }) => fact === undefined && step >= from && step <= to)
    );
  }

  /** Whether a key was deleted at some time after it held a value. */
  wasDeletedAfter(key: string, value: unknown): boolean {
    const written = this.keys.get(key) ?? [];
    const put = written.findIndex(({ fact }) => fact !== undefined && same(fact.value, value));
    return written.some(({ fact }, index) => fact === undefined && index > put);
  }

  /** Whether a key ever held a value. */
  everHeld(key: string, value: unknown): boolean {
    return (this.keys.get(key) ?? []).some(({ fact }) => fact !== undefined && same(fact.value, value));
  }
}

/** Where the writes after a revision begin. */
function firstAfter(log: readonly Written[], revision: number): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (log[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether two facts are the same value since the same revision. */
export function sameFact(a: Fact<unknown>, b: Fact<unknown>): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.revision === b.revision && same(a.value, b.value);
}

/** Whether a key is there and cannot be decoded. */
export function isBad(fact: Fact<unknown>): boolean {
  return fact?.value === undecodable;
}
