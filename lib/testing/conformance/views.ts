import { isUnder } from '../../source/prefixes.ts';
import type { History } from '../history.ts';
import { type StepOf, undecodable } from '../steps.ts';
import { keysText, valueText } from '../text.ts';
import { same } from '../validators/same.ts';

/** What one subscriber at one place was told, up to now. */
interface View {
  readonly name: string;
  readonly values: Map<string, unknown>;
  readonly rejected: Set<string>;
  readonly open: Set<number>;
  resyncs: number;
  over: boolean;
}

/** Follows a history, and says whether everybody knows what the store holds. */
export class Views {
  readonly #history: History;
  readonly #views = new Map<number, View>();
  readonly #states = new Map<number, string>();
  #read = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /** How many subscriptions have not ended, at places that are judged. */
  get live(): number {
    return this.#all().filter(({ over }) => !over).length;
  }

  /**
   * What keeps a script waiting; `undefined`: everybody was told everything, and everything told is settled.
   *
   * @param truth what the store holds
   * @param holding a consumer keeps events open on purpose
   */
  missing(truth: ReadonlyMap<string, unknown>, prefixes: readonly string[], holding: boolean): string | undefined {
    for (const view of this.#all()) {
      if (view.over) continue;
      if (view.resyncs === 0) return `${view.name}: no resync yet`;
      const wanted = new Map([...truth].filter(([key]) => isUnder(key, prefixes)));
      const keys = [...new Set([...wanted.keys(), ...view.values.keys(), ...view.rejected])];
      const wrong = keys.filter((key) => !isTold(view, key, wanted));
      if (wrong.length > 0) {
        const shown = wrong
          .slice(0, 5)
          .map((key) => `${keysText([key])} is ${told(view, key)}, the store holds ${text(wanted, key)}`);
        return `${view.name}: ${shown.join('; ')}${wrong.length > 5 ? ` and ${wrong.length - 5} more` : ''}`;
      }
      if (view.open.size > 0 && !holding) return `${view.name}: ${view.open.size} events are not settled`;
    }
    return undefined;
  }

  /** Whether each subscription's last status says that its connection is up; true where there is no status. */
  get connected(): boolean {
    this.#all();
    return [...this.#states.values()].every((state) => state === 'live' || state === 'closed');
  }

  #all(): View[] {
    const { steps } = this.#history;
    for (; this.#read < steps.length; this.#read++) this.#take(steps[this.#read]!);
    return [...this.#views.values()];
  }

  #take(step: History['steps'][number]): void {
    switch (step.type) {
      case 'subscribe': {
        if (step.place === 'raw') return;
        const name = step.options.name ?? step.place;
        const empty = { values: new Map(), rejected: new Set<string>(), open: new Set<number>() };
        this.#views.set(step.stream, { name, ...empty, resyncs: 0, over: false });
        return;
      }
      case 'event': {
        const view = this.#views.get(step.stream);
        if (view === undefined) return;
        // An ack that settled above says so at once, in the next step.
        view.open.add(step.step);
        apply(view, step.event);
        return;
      }
      case 'status':
        this.#states.set(step.status.subscription, step.status.state);
        return;
      case 'settled':
        this.#views.get(step.stream)?.open.delete(step.of);
        return;
      case 'unsubscribe':
      case 'error':
      case 'complete': {
        const view = this.#views.get(step.stream);
        if (view !== undefined) view.over = true;
        return;
      }
      default:
    }
  }
}

function apply(view: View, event: StepOf<unknown, 'event'>['event']): void {
  const { values, rejected } = view;
  if (event.type === 'resync') {
    view.resyncs++;
    values.clear();
    rejected.clear();
    for (const { key, value } of event.entries) values.set(key, value);
  } else {
    for (const change of event.changes) {
      rejected.delete(change.key);
      if (change.op === 'put') values.set(change.key, change.value);
      else values.delete(change.key);
    }
  }
  for (const { key } of event.rejected) rejected.add(key);
}

function isTold({ values, rejected }: View, key: string, truth: ReadonlyMap<string, unknown>): boolean {
  const value = truth.get(key);
  // What the last good value of a bad key may be is judged by the validators.
  if (value === undecodable) return rejected.has(key);
  if (rejected.has(key)) return false;
  return truth.has(key) ? values.has(key) && same(values.get(key), value) : !values.has(key);
}

function told(view: View, key: string): string {
  return view.rejected.has(key) ? 'told as rejected' : `told as ${text(view.values, key)}`;
}

function text(values: ReadonlyMap<string, unknown>, key: string): string {
  return values.has(key) ? valueText(values.get(key)) : 'nothing';
}
