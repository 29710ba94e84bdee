import type { DatasyncEvent } from '../../lib/index.ts';
import { type History, undecodable } from '../../lib/testing/index.ts';

/** What one source says of a key: its last good value, and whether it has a bad one now. */
interface Said {
  readonly good: string | undefined;
  readonly bad: boolean;
}

/** What several sources that told so much are as one, worked out anew for each event: slow, and simple enough to be believed. */
export class MergedTruth {
  readonly #history: History<string>;
  readonly #said: ReadonlyMap<string, Map<string, Said>>;
  #written = new Map<string, Said>();
  #revision = 0;

  constructor(names: readonly string[], history: History<string>) {
    this.#history = history;
    this.#said = new Map(names.map((name) => [name, new Map()]));
    history.truth(0, []);
  }

  /** An event of one source, before it is merged. */
  take(name: string, event: DatasyncEvent<string>): void {
    const said = this.#said.get(name)!;
    if (event.type === 'resync') {
      said.clear();
      for (const { key, value } of event.entries) said.set(key, { good: value, bad: false });
    } else {
      for (const change of event.changes) {
        if (change.op === 'put') said.set(change.key, { good: change.value, bad: false });
        else said.delete(change.key);
      }
    }
    for (const { key } of event.rejected) said.set(key, { good: said.get(key)?.good, bad: true });
    this.#write();
  }

  #write(): void {
    const now = new Map<string, Said>();
    for (const said of this.#said.values()) {
      for (const [key, { good, bad }] of said) {
        const above = now.get(key);
        if (above === undefined) now.set(key, { good, bad });
        else if (above.good === undefined) now.set(key, { ...above, good });
      }
    }
    const keys = [...new Set([...now.keys(), ...this.#written.keys()])];
    const changed = keys.filter((key) => {
      const [a, b] = [now.get(key), this.#written.get(key)];
      return a?.good !== b?.good || a?.bad !== b?.bad;
    });
    const put: Record<string, string | typeof undecodable> = {};
    const gone: string[] = [];
    const shown: Record<string, string> = {};
    const hidden: string[] = [];
    for (const key of changed) {
      const one = now.get(key);
      if (one === undefined) gone.push(key);
      else if (one.bad) put[key] = undecodable;
      else put[key] = one.good!;
      // What stays of a bad key may be the value of another source, which may go.
      const before = this.#written.get(key)?.good;
      if (one?.bad !== true || one.good === before) continue;
      if (one.good === undefined) hidden.push(key);
      else shown[key] = one.good;
    }
    this.#written = now;
    if (Object.keys(shown).length + hidden.length > 0)
      this.#history.write({ revision: ++this.#revision, put: shown, delete: hidden });
    if (changed.length > 0) this.#history.write({ revision: ++this.#revision, put, delete: gone });
  }
}
