import { type Outcome, settledWell } from '../../model/ack.ts';
import type { ChangeEvent, DatasyncEvent } from '../../model/events.ts';
import type { Cell, Telling } from './run.ts';

/** A key of which nobody can say what the consumer holds. */
export interface Suspicion {
  /** Whether it was absent before the trouble. */
  readonly wasAbsent: boolean;
  /** All that failed was the delete of what was only ever rejected. */
  readonly isEmpty: boolean;
  /** The previous values a diff may give; `undefined`: none. */
  readonly values: readonly unknown[];
}

interface Told {
  readonly step: number;
  readonly cell: Cell | undefined;
}

interface Suspect {
  /** The first event that went wrong, in the order they were told. */
  readonly event: Telling;
  /** The values before, as the events say that went wrong; `undefined`: none. */
  readonly before: readonly unknown[];
  /** They only deleted what was only ever rejected: while the key is absent there is nothing to take back. */
  readonly isEmpty: boolean;
  /** Failed on after it had been settled well: how far back the trouble reaches is not known. */
  readonly isLate: boolean;
}

/** What one subscriber was told, event by event, and the keys of which one cannot say whether it holds them. */
export class Fold {
  /** From entries and changes. */
  readonly view: Map<string, Cell> = new Map();
  readonly rejected: Set<string> = new Set();
  /** Keys of events that went wrong, until a resync that names them is settled well. */
  readonly suspects: Map<string, Suspect> = new Map();

  readonly #told = new Map<string, Told[]>();
  /** For each resync: the suspects it had to name. */
  readonly #named = new Map<Telling, ReadonlyMap<string, Suspect>>();
  /** The last resync. */
  #last: Telling | undefined;
  readonly #held = new Map<Telling, Map<string, unknown>>();
  /** The steps of the resyncs that were settled well, and not failed on late. */
  readonly #goodResyncs = new Set<number>();

  /** What was known before an event, as far as it concerns the event. */
  before(event: DatasyncEvent<unknown>): Pick<Telling, 'before' | 'rejectedBefore' | 'suspects'> {
    if (event.type === 'resync') {
      const suspicious = [...this.suspects].filter(([key, suspect]) => this.#mayBeHeld(key, suspect));
      const suspects = new Map(suspicious.map(([key, suspect]) => [key, this.#suspicion(key, suspect)] as const));
      return { before: new Map(this.view), rejectedBefore: new Set(this.rejected), suspects };
    }
    const keys = keysOf(event);
    const before = new Map<string, Cell>();
    for (const key of keys) {
      const cell = this.view.get(key);
      if (cell !== undefined) before.set(key, cell);
    }
    return { before, rejectedBefore: new Set(keys.filter((key) => this.rejected.has(key))), suspects: new Map() };
  }

  apply(telling: Telling): void {
    const { event } = telling;
    if (event.type === 'change') {
      for (const change of event.changes) {
        const cell = change.op === 'put' ? { value: change.value, revision: change.revision } : undefined;
        if (cell === undefined) this.view.delete(change.key);
        else this.view.set(change.key, cell);
        this.rejected.delete(change.key);
        this.#note(change.key, telling.step, cell);
      }
      for (const { key } of event.rejected) this.rejected.add(key);
      return;
    }
    this.#last = telling;
    const gone = new Set(this.view.keys());
    this.view.clear();
    for (const { key, value, revision } of event.entries) {
      const cell = { value, revision };
      this.view.set(key, cell);
      gone.delete(key);
      this.#note(key, telling.step, cell);
    }
    for (const key of gone) this.#note(key, telling.step, undefined);
    this.rejected.clear();
    for (const { key } of event.rejected) this.rejected.add(key);
    this.#named.set(telling, new Map(this.suspects));
  }

  succeed(telling: Telling): void {
    const named = this.#named.get(telling);
    if (named === undefined) return;
    this.#goodResyncs.add(telling.step);
    // One that failed again since is another one, and stays.
    for (const [key, suspect] of named) if (this.suspects.get(key) === suspect) this.suspects.delete(key);
  }

  fail(telling: Telling, outcome: Outcome): void {
    // Whoever throws a change away for a newer resync answers for it itself.
    if (outcome.type === 'superseded' && telling.event.type === 'change') {
      this.#replace(telling.event);
      return;
    }
    this.#goodResyncs.delete(telling.step);
    const first = telling.settled[0]?.outcome;
    const isLate = first !== undefined && settledWell(first);
    const held = this.#held.get(telling);
    for (const [key, told] of namedIn(telling.event)) {
      const before = held?.has(key) === true ? held.get(key) : told;
      const known = this.suspects.get(key);
      const event = known === undefined || telling.step < known.event.step ? telling : known.event;
      const isEmpty = (known?.isEmpty ?? true) && before === undefined && !tellsValueOf(key, telling.event);
      this.suspects.set(key, {
        event,
        before: [...(known?.before ?? []), before],
        isEmpty,
        isLate: isLate || known?.isLate === true,
      });
    }
  }

  /** Of the keys whose changes were thrown away for a resync, the consumer held when it came what the first of them says. */
  #replace({ changes }: ChangeEvent<unknown>): void {
    if (this.#last === undefined || this.#last.settled.length > 0) return;
    const held = this.#held.get(this.#last) ?? new Map<string, unknown>();
    this.#held.set(this.#last, held);
    for (const { key, prevValue } of changes) if (!held.has(key)) held.set(key, prevValue);
  }

  /** Of a key that had no value before the trouble, and got none since, there is nothing to take back. */
  #mayBeHeld(key: string, { event, before }: Suspect): boolean {
    return [...before, ...this.#toldSince(key, event.step)].some((value) => value !== undefined);
  }

  #suspicion(key: string, { event, before, isEmpty, isLate }: Suspect): Suspicion {
    const since = Math.min(event.step, this.#goodResyncs.size === 0 ? event.step : Math.max(...this.#goodResyncs));
    // At the very beginning it was absent.
    const told = isLate ? [undefined, ...this.#toldSince(key, 0)] : this.#toldSince(key, since);
    const values = [...before, event.before.get(key)?.value, ...told];
    return { wasAbsent: before.includes(undefined), isEmpty, values };
  }

  #toldSince(key: string, since: number): unknown[] {
    return (this.#told.get(key) ?? []).filter(({ step }) => step >= since).map(({ cell }) => cell?.value);
  }

  #note(key: string, step: number, cell: Cell | undefined): void {
    const told = this.#told.get(key);
    if (told === undefined) this.#told.set(key, [{ step, cell }]);
    else told.push({ step, cell });
  }
}

/** Every key an event is about, with the previous value it gives: of a change its own, of a resync those of its diff. */
function namedIn(event: DatasyncEvent<unknown>): (readonly [key: string, before: unknown])[] {
  if (event.type === 'change') return event.changes.map(({ key, prevValue }) => [key, prevValue]);
  const { added, changed, removed } = event.diff;
  return [
    ...added.map(({ key }) => [key, undefined] as const),
    ...[...changed, ...removed].map(({ key, prevValue }) => [key, prevValue] as const),
  ];
}

/** Every key of a change, rejected ones too. */
export function keysOf(event: Extract<DatasyncEvent<unknown>, { type: 'change' }>): string[] {
  return [...new Set([...event.changes.map(({ key }) => key), ...event.rejected.map(({ key }) => key)])];
}

/** Not the delete of a key that only ever was rejected: there is nothing that a consumer may hold. */
function tellsValueOf(key: string, event: DatasyncEvent<unknown>): boolean {
  if (event.type === 'resync') return event.entries.has(key);
  return event.changes.some((change) => change.key === key && change.op === 'put');
}
