import { type About, type ConsulCalls, written } from './calls.ts';
import { refusal } from './failures.ts';
import { half, held, mayVanish, type Put, type State, stateOf } from './holders.ts';
import { pathOf } from './keys.ts';
import { bodyOf, checkSize, release } from './operations.ts';
import { pause } from './pause.ts';
import { find } from './reads.ts';

/** Puts of values that no transaction takes. */
export class LargeValues {
  readonly #calls: ConsulCalls;
  readonly #maxRequest: number;

  constructor(calls: ConsulCalls, maxRequest: number) {
    this.#calls = calls;
    this.#maxRequest = maxRequest;
  }

  /**
   * Writes only as long as nobody else writes the key: then it need not be looked at again.
   *
   * @param only the state of the key, without which it is not written; default: whatever it is
   * @returns whether it was done; Consul does not say at which index
   */
  async put(key: string, value: Uint8Array, what: About, only?: State): Promise<boolean> {
    for (let round = 0; ; round++) {
      await pause(round);
      const state = only ?? (await this.#look(key, what));
      const done = await this.#putAt(key, value, state, what, only !== undefined);
      if (!done && only === undefined) continue;
      return done;
    }
  }

  /** The state of a key, as a rule without reading its value. */
  async #look(key: string, what: About): Promise<State> {
    const free = await this.#calls.txn(bodyOf([{ Verb: 'check-session', Key: key, Session: '' }]), what, true);
    if (free.done) return { index: free.entries[0]!.ModifyIndex, session: undefined };
    return stateOf(this.#calls, key, await find(this.#calls, key, what), what);
  }

  async #putAt(key: string, value: Uint8Array, state: State, what: About, isExact: boolean): Promise<boolean> {
    const { index, session, stranger } = state;
    if (session === undefined) {
      const done = await this.#send(key, value, { cas: String(index) }, what);
      if (done && stranger === 'unseen') throw half(what, mayVanish(key), held(what, key, stranger));
      return done;
    }
    // One request writes the key and takes it from its session, if that still holds it; but no request does so at an index.
    if (!isExact) return this.#send(key, value, { release: session }, what);
    const old: Put = { op: 'put', key, value: state.value! };
    checkSize([old], { ...what, what: `${what.what}: taking it from its session` }, this.#maxRequest, state);
    const freed = await this.#calls.txn(bodyOf(release(old, index, session)), what);
    if (!freed.done) return false;
    const now = freed.entries.at(-1)!.ModifyIndex;
    return this.#send(key, value, { cas: String(now) }, what).catch((error: unknown) => {
      throw half(what, 'it no longer vanishes, and may have its old value', error);
    });
  }

  async #send(key: string, value: Uint8Array, query: Readonly<Record<string, string>>, what: About): Promise<boolean> {
    const answer = await this.#calls.write({ method: 'PUT', path: pathOf(key), query, body: value }, what);
    if (answer.status !== 200) throw refusal(what.what, answer, { key });
    return written(what, answer, (value): value is boolean => typeof value === 'boolean');
  }
}
