import type { ResyncEvent } from '../../model/events.ts';
import { keysText, valueText } from '../text.ts';
import type { Finding, Invariant } from './invariant.ts';
import type { Cell, Run, Telling } from './run.ts';
import { same } from './same.ts';
import type { Difference } from './truth.ts';

const told = new WeakMap<Run, readonly Difference[]>();

/**
 * Everything an event says about the past that is not what its subscriber was told: previous values, and the diff of a
 * resync, which has to name every difference. Hand-made events (epoch 0) promise neither.
 */
export function* contradictions(run: Run, invariant: Invariant): Iterable<Finding> {
  let found = told.get(run);
  if (found === undefined) {
    found = [...run.tellings()].flatMap((telling) => [...contradictionsOf(run, telling)]);
    told.set(run, found);
  }
  for (const { invariant: broken, step, message } of found) if (broken === invariant) yield { step, message };
}

function* contradictionsOf(run: Run, telling: Telling): Iterable<Difference> {
  const { event, base, step, stream } = telling;
  if (event.epoch === 0 || base === undefined) return;
  const say = (invariant: Invariant, message: string): Difference => ({
    invariant,
    step,
    message: `${stream.name}: ${message}`,
  });
  if (event.type === 'resync') {
    for (const { invariant, message } of new DiffCheck(run, telling, event).findings())
      yield say(invariant, `the diff of the resync at ${event.revision} ${message}`);
    return;
  }
  for (const change of event.changes) {
    const before = telling.before.get(change.key);
    if (change.op === 'delete' && before === undefined && !telling.rejectedBefore.has(change.key)) {
      yield say('I15', `the change at ${event.revision} deletes ${change.key}, of which nothing was told`);
    }
    if (same(change.prevValue, before?.value)) continue;
    yield say(
      'I14',
      `the change of ${change.key} at ${event.revision} says that it was ${valueText(change.prevValue)}; told was ${valueText(before?.value)}`,
    );
  }
}

interface Named {
  readonly how: 'added' | 'changed' | 'removed';
  readonly prevValue: unknown;
  readonly value: unknown;
}

/** Compares one resync's diff with what was told before it. */
class DiffCheck {
  readonly #run: Run;
  readonly #telling: Telling;
  readonly #event: ResyncEvent<unknown>;
  readonly #named = new Map<string, Named>();
  readonly #twice: string[] = [];
  readonly #rejected: ReadonlySet<string>;

  constructor(run: Run, telling: Telling, event: ResyncEvent<unknown>) {
    this.#run = run;
    this.#telling = telling;
    this.#event = event;
    this.#rejected = new Set(event.rejected.map(({ key }) => key));
    const { added, changed, removed } = event.diff;
    for (const { key, value } of added) this.#name(key, { how: 'added', prevValue: undefined, value });
    for (const { key, value, prevValue } of changed) this.#name(key, { how: 'changed', prevValue, value });
    for (const { key, prevValue } of removed) this.#name(key, { how: 'removed', prevValue, value: undefined });
  }

  #name(key: string, named: Named): void {
    if (this.#named.has(key)) this.#twice.push(key);
    this.#named.set(key, named);
  }

  *findings(): Iterable<{ invariant: Invariant; message: string }> {
    if (this.#twice.length > 0) yield { invariant: 'I14', message: `names ${keysText(this.#twice)} twice` };
    const entries = new Map(Array.from(this.#event.entries, (item) => [item.key, item] as const));
    const { before, suspects } = this.#telling;
    for (const key of new Set([...before.keys(), ...entries.keys(), ...this.#named.keys(), ...suspects.keys()])) {
      const finding = this.#check(key, before.get(key), entries.get(key));
      if (finding !== undefined) yield finding;
    }
  }

  #check(
    key: string,
    before: Cell | undefined,
    now: Cell | undefined,
  ): { invariant: Invariant; message: string } | undefined {
    const named = this.#named.get(key);
    if (named === undefined) return this.#checkUnnamed(key, before, now);
    const wrong = (message: string): { invariant: Invariant; message: string } => ({ invariant: 'I14', message });
    const suspect = this.#telling.suspects.get(key);
    if ((named.how === 'removed') !== (now === undefined)) {
      return wrong(`names ${key} as ${named.how}, and the entries ${now === undefined ? 'do not hold it' : 'hold it'}`);
    }
    if (now !== undefined && !same(named.value, now.value))
      return wrong(`gives ${key} as ${valueText(named.value)}, the entries as ${valueText(now.value)}`);

    if (suspect !== undefined) {
      const given = named.how === 'added' ? undefined : named.prevValue;
      // Where an operator above threw something away too, `added` may stand for an absence that was told since.
      const isKind = named.how !== 'added' || suspect.wasAbsent || !this.#isExact;
      if (isKind && suspect.values.some((value) => same(value, given))) return undefined;
      return wrong(
        `gives ${key}, on which the consumer failed, as ${named.how} after ${valueText(given)}; told were ${suspect.values.map(valueText).join(', ')}`,
      );
    }
    if (before === undefined) return this.#checkUntold(key, named);
    if (named.how === 'added') return wrong(`names ${key} as added; ${valueText(before.value)} was told of it`);
    if (!same(named.prevValue, before.value))
      return wrong(`says that ${key} was ${valueText(named.prevValue)}; told was ${valueText(before.value)}`);
    const isNews =
      now === undefined ||
      now.revision !== before.revision ||
      !same(now.value, before.value) ||
      this.#telling.rejectedBefore.has(key);
    return isNews || !this.#isExact ? undefined : wrong(`names ${key}, of which nothing is new`);
  }

  /** Right at a source a diff names nothing without a reason; an operator that threw something away may name more. */
  get #isExact(): boolean {
    return this.#telling.stream.place === 'source';
  }

  /** Named, though nothing was told of it. */
  #checkUntold(key: string, named: Named): { invariant: Invariant; message: string } | undefined {
    if (named.how === 'added') return undefined;
    const wasRejected = this.#telling.rejectedBefore.has(key);
    if (named.how === 'removed' && (!this.#isExact || (wasRejected && named.prevValue === undefined))) return undefined;
    return {
      invariant: 'I14',
      message: `names ${key} as ${named.how} after ${valueText(named.prevValue)}; nothing was told of it`,
    };
  }

  #checkUnnamed(
    key: string,
    before: Cell | undefined,
    now: Cell | undefined,
  ): { invariant: Invariant; message: string } | undefined {
    const suspect = this.#telling.suspects.get(key);
    const was = valueText(before?.value);
    if (now === undefined) {
      if (before === undefined && suspect === undefined) return undefined;
      if (suspect?.isEmpty === true) return undefined;
      if (suspect !== undefined)
        return { invariant: 'I21', message: `does not name ${key}, which is gone and on which the consumer failed` };
      // A key that vanished behind a bad value is the business of I40.
      if (this.#rejected.has(key))
        return { invariant: 'I40', message: `does not name ${key}, whose last good value ${was} is gone` };
      return { invariant: 'I21', message: `does not name ${key}, which is gone; told was ${was}` };
    }
    if (suspect !== undefined)
      return { invariant: 'I14', message: `does not name ${key}, on which the consumer failed` };
    if (before === undefined) return { invariant: 'I14', message: `does not name ${key}, which is new` };
    const isNow = `it was ${was}@${before.revision} and is ${valueText(now.value)}@${now.revision}`;
    if (same(before.value, now.value)) {
      const wasRejected = this.#telling.rejectedBefore.has(key) && !this.#rejected.has(key);
      if (wasRejected) return { invariant: 'I40', message: `does not name ${key}, which can be decoded again` };
      const isOther = this.#telling.stream.capabilities.revision === 'store' && this.#isAnother(key, before, now);
      return isOther ? { invariant: 'I22', message: `does not name ${key}: ${isNow}` } : undefined;
    }
    return { invariant: this.#wasGone(key) ? 'I22' : 'I14', message: `does not name ${key}: ${isNow}` };
  }

  /** Of equal content, but deleted in between, or of another life of the store. */
  #isAnother(key: string, before: Cell, now: Cell): boolean {
    const written = this.#run.oracle.keys.get(key) ?? [];
    const isBetween = (revision: number): boolean => revision > before.revision && revision < now.revision;
    return (
      now.revision < before.revision || written.some(({ fact, revision }) => fact === undefined && isBetween(revision))
    );
  }

  /** Deleted and made again since the last event. */
  #wasGone(key: string): boolean {
    const since = this.#telling.previous?.step ?? this.#telling.stream.step;
    return (this.#run.oracle.keys.get(key) ?? []).some(
      ({ fact, step }) => fact === undefined && step > since && step < this.#telling.step,
    );
  }
}
