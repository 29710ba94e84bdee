import type { ChangeEvent, ResyncEvent } from '../../model/events.ts';
import { isUnder } from '../../source/prefixes.ts';
import { type Fact, undecodable } from '../steps.ts';
import { valueText } from '../text.ts';
import { keysOf } from './fold.ts';
import type { Invariant } from './invariant.ts';
import { absenceOf, isUnlisted, onlyInBrokenListing } from './listing.ts';
import { isBad, type Oracle } from './oracle.ts';
import type { Cell, Run, Stream, Telling } from './run.ts';
import { same } from './same.ts';
import { agrees, type Difference, isLastGood } from './truth.ts';

/** Compares every event with the order in which the store had its values: its revisions are counted, and say nothing of the store's. */
export function compareByValue(run: Run, stream: Stream): Difference[] {
  const comparison = new ByValue(run, stream);
  for (const telling of stream.tellings) if (telling.base !== undefined) comparison.take(telling);
  return comparison.found;
}

/** Listings that are one state of the store, not a mixture of several. */
const oneState: ReadonlySet<string> = new Set(['pinned', 'diffed', 'endOffset', 'pushed']);

class ByValue {
  readonly found: Difference[] = [];
  readonly #run: Run;
  readonly #oracle: Oracle;
  readonly #stream: Stream;
  readonly #keys = new Map<string, Course>();
  /** No state before this write can be told any more. */
  #since = -1;
  #view = new Map<string, Cell>();

  constructor(run: Run, stream: Stream) {
    this.#run = run;
    this.#oracle = run.oracle;
    this.#stream = stream;
  }

  take(telling: Telling): void {
    if (telling.event.type === 'resync') this.#takeResync(telling, telling.event);
    else this.#takeChange(telling, telling.event);
  }

  #find(invariant: Invariant, telling: Telling, message: string): void {
    this.found.push({ invariant, step: telling.step, message: `${this.#stream.name}: ${message}` });
  }

  #courseOf(key: string): Course {
    let course = this.#keys.get(key);
    if (course === undefined) {
      course = new Course((this.#oracle.keys.get(key) ?? []).map(({ fact }) => fact));
      this.#keys.set(key, course);
    }
    return course;
  }

  #takeResync(telling: Telling, event: ResyncEvent<unknown>): void {
    this.#view = new Map(Array.from(event.entries, ({ key, value, revision }) => [key, { value, revision }] as const));
    const rejected = new Set(event.rejected.map(({ key }) => key));
    const keys = [...new Set([...this.#oracle.keys.keys(), ...this.#view.keys(), ...rejected])].filter((key) =>
      isUnder(key, event.prefixes),
    );
    const broken = keys.filter((key) => !this.#courseOf(key).jump(this.#tokenOf(key, rejected)));
    if (isUnlisted(this.#run, telling)) return;
    for (const key of broken) this.#blame(telling, event, key, rejected);
    for (const key of rejected) this.#compareLastGood(telling, key, telling.before.get(key));
    if (broken.length > 0 || !oneState.has(this.#stream.capabilities.handOver)) return;
    const state = this.#stateLike(keys, rejected);
    if (state === undefined)
      this.#find(
        'I3',
        telling,
        `the resync at ${event.revision} mixes states: the store never held ${this.#text(keys)} at one time`,
      );
    else this.#since = state;
  }

  #tokenOf(key: string, rejected: ReadonlySet<string>): unknown {
    return rejected.has(key) ? undecodable : (this.#view.get(key)?.value ?? absent);
  }

  #blame(telling: Telling, event: ResyncEvent<unknown>, key: string, rejected: ReadonlySet<string>): void {
    const cell = this.#view.get(key);
    const fact = this.#oracle.asOf(key, telling.step);
    const told = rejected.has(key) ? 'rejected' : valueText(cell?.value);
    let invariant: Invariant;
    if (rejected.has(key) || isBad(fact)) invariant = 'I40';
    else if (cell === undefined) invariant = absenceOf(this.#run, telling, event, key);
    else invariant = onlyInBrokenListing(this.#run, telling, key) ? 'I6' : 'I19';
    this.#find(
      invariant,
      telling,
      `the resync at ${event.revision} tells ${key} as ${told}, which it was not then; the store held ${valueText(fact?.value)}`,
    );
  }

  #compareLastGood(telling: Telling, key: string, before: Cell | undefined): void {
    const cell = this.#view.get(key);
    if (isLastGood(this.#oracle, key, cell, before)) return;
    this.#find(
      'I40',
      telling,
      `${key} is rejected at ${telling.event.revision} and shows ${valueText(cell?.value)} after ${valueText(before?.value)}`,
    );
  }

  /** The first state from where we stand that is like the view; `undefined`: there is none. */
  #stateLike(keys: readonly string[], rejected: ReadonlySet<string>): number | undefined {
    const like = (key: string, fact: Fact<unknown>): boolean => agrees(this.#view.get(key), rejected.has(key), fact);
    const watched = new Set(keys);
    const unlike = new Set<string>();
    for (const key of keys) {
      const fact = (this.#oracle.keys.get(key) ?? []).findLast(({ index }) => index <= this.#since)?.fact;
      if (!like(key, fact)) unlike.add(key);
    }
    if (unlike.size === 0) return this.#since;
    for (const [index, written] of this.#oracle.byIndex.entries()) {
      if (index <= this.#since) continue;
      for (const { key, fact } of written) {
        if (!watched.has(key)) continue;
        if (like(key, fact)) unlike.delete(key);
        else unlike.add(key);
      }
      if (unlike.size === 0) return index;
    }
    return undefined;
  }

  #text(keys: readonly string[]): string {
    return `{${keys.flatMap((key) => (this.#view.has(key) ? [`${key}:${valueText(this.#view.get(key)?.value)}`] : [])).join(' ')}}`;
  }

  #takeChange(telling: Telling, event: ChangeEvent<unknown>): void {
    const before = new Map(keysOf(event).map((key) => [key, this.#view.get(key)] as const));
    for (const change of event.changes) {
      if (change.op === 'put') this.#view.set(change.key, { value: change.value, revision: change.revision });
      else this.#view.delete(change.key);
    }
    const rejected = new Set(event.rejected.map(({ key }) => key));
    for (const key of keysOf(event)) {
      const token = this.#tokenOf(key, rejected);
      const course = this.#courseOf(key);
      if (!event.coalesced && course.step(token)) continue;
      const lost = !course.jump(token);
      if (event.coalesced && !lost) continue;
      const what = `${key} = ${token === absent ? 'nothing' : valueText(token)}`;
      if (!lost)
        this.#find(
          'I10',
          telling,
          `${what} at ${event.revision} skips a value, and the change does not say that it is coalesced`,
        );
      else
        this.#find(
          this.#blameChange(telling, key, token),
          telling,
          `${what} at ${event.revision}, which it was not any more, or never`,
        );
    }
    for (const key of rejected) this.#compareLastGood(telling, key, before.get(key));
  }

  #blameChange(telling: Telling, key: string, token: unknown): Invariant {
    if (token === undecodable || isBad(this.#oracle.asOf(key, telling.step))) return 'I40';
    return token === absent ? 'I15' : 'I19';
  }
}

const absent: unique symbol = Symbol('absent');

/** The values one key had, one after the other, and where in their row we may stand. */
class Course {
  readonly #tokens: readonly unknown[];
  #positions: readonly number[];

  constructor(facts: readonly Fact<unknown>[]) {
    const tokens: unknown[] = [absent];
    for (const fact of facts) {
      const token = fact === undefined ? absent : fact.value;
      if (!same(token, tokens.at(-1))) tokens.push(token);
    }
    this.#tokens = tokens;
    this.#positions = [...tokens.keys()];
  }

  /** The same value, or the next one. */
  step(token: unknown): boolean {
    const reached = new Set<number>();
    for (const position of this.#positions)
      for (const next of [position, position + 1])
        if (next < this.#tokens.length && same(this.#tokens[next], token)) reached.add(next);
    if (reached.size > 0) this.#positions = [...reached];
    return reached.size > 0;
  }

  /** The same value, or any later one. */
  jump(token: unknown): boolean {
    const from = Math.min(...this.#positions);
    const like = [...this.#tokens.keys()].filter((position) => same(this.#tokens[position], token));
    const reached = like.filter((position) => position >= from);
    // What never was, or was long ago, says nothing about where we stand now.
    if (reached.length > 0) this.#positions = reached;
    return reached.length > 0;
  }
}
