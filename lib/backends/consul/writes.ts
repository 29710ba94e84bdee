import { firstValueFrom, timer } from 'rxjs';
import type { PutOptions, RawWrite, WriteResult } from '../../model/broker.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import { parsed } from './answers.ts';
import { type About, type ConsulCalls, type Shown, unexpected } from './calls.ts';
import { refusal } from './failures.ts';
import { pathOf } from './keys.ts';
import { about, bodyOf, checkSize, isBound, type Only, operationsOf, release } from './operations.ts';
import { find } from './reads.ts';
import { ClientSession, createSession, destroySession, isAlive, longestTtl, shortestTtl } from './sessions.ts';

/** What a key is bound to. */
interface Bond {
  readonly session: string;
  /** Milliseconds; missing where it is the session of the broker. */
  readonly ttl?: number;
}

type Bonds = ReadonlyMap<string, Bond>;

/** The state of a key; where a session holds it, with its value. */
type State = Only & { readonly value?: Uint8Array };

type Put = RawWrite & { readonly op: 'put' };

const absent: State = { index: 0, session: undefined };

/** Writes, bound to sessions where they are to vanish. */
export class ConsulWrites {
  readonly session: ClientSession;
  readonly #calls: ConsulCalls;
  readonly #maxRequest: number;

  /** @param sessionTtl milliseconds after which Consul gives up on this program */
  constructor(calls: ConsulCalls, maxRequest: number, sessionTtl: number) {
    this.#calls = calls;
    this.#maxRequest = maxRequest;
    this.session = new ClientSession(calls, sessionTtl, async (key, value, session) => {
      const operations = operationsOf({ op: 'put', key, value }, session, { index: 0, session: undefined });
      await this.#calls.txn(bodyOf(operations), about('putting back', key));
    });
  }

  /**
   * Writes everything, or nothing.
   *
   * @param only the state of the one key that is written, without which it is not
   * @returns `undefined` where that state is over
   */
  async commit(writes: readonly RawWrite[], what: About, only?: Only): Promise<WriteResult | undefined> {
    checkSize(writes, what, this.#maxRequest, only);
    const bonds = await this.#bind(writes, what);
    const operations = writes.flatMap((write) => operationsOf(write, bonds.get(write.key)?.session, only));
    const result = await this.#calls.txn(bodyOf(operations), what).catch(async (error: unknown) => {
      // Not known: with its session a key would be deleted that was perhaps written.
      if ((error as DatasyncError).code !== 'OUTCOME_UNKNOWN') await this.#unbind(bonds);
      throw error;
    });
    if (!result.done) {
      await this.#unbind(bonds);
      if (await this.#hasLostSession(bonds, result.reasons)) return this.commit(writes, what, only);
      if (only !== undefined) return undefined;
      throw unexpected(what, result.reasons);
    }
    this.#remember(writes);
    await this.#release(writes, result.entries, what);
    const revision = Math.max(0, ...result.entries.map(({ ModifyIndex }) => ModifyIndex));
    return { ...(revision > 0 && { revision }), ...longer(writes, bonds) };
  }

  /**
   * What no transaction takes goes alone, and only as long as nobody else writes the key: then it need not be looked at again.
   *
   * @param only the state of the key, without which it is not written; default: whatever it is
   * @returns whether it was done; Consul does not say at which index
   */
  async putAlone(key: string, value: Uint8Array, what: About, only?: State): Promise<boolean> {
    for (let round = 0; ; round++) {
      await pause(round);
      const state = only ?? (await this.#look(key, what));
      const done = await this.#putAt(key, value, state, what, only !== undefined);
      if (!done && only === undefined) continue;
      if (done) this.session.forget(key);
      return done;
    }
  }

  /** The state of a key, as a rule without reading its value. */
  async #look(key: string, what: About): Promise<State> {
    const free = await this.#calls.txn(bodyOf([{ Verb: 'check-session', Key: key, Session: '' }]), what, true);
    if (free.done) return { index: free.entries[0]!.ModifyIndex, session: undefined };
    return (await find(this.#calls, key, what)) ?? absent;
  }

  async #putAt(key: string, value: Uint8Array, state: State, what: About, isExact: boolean): Promise<boolean> {
    const { index, session } = state;
    if (session === undefined) return this.#put(key, value, { cas: String(index) }, what);
    // One request writes the key and takes it from its session, if that still holds it; but no request does so at an index.
    if (!isExact) return this.#put(key, value, { release: session }, what);
    const old: Put = { op: 'put', key, value: state.value! };
    checkSize([old], { ...what, what: `${what.what}: taking it from its session` }, this.#maxRequest, state);
    const freed = await this.#calls.txn(bodyOf(release(old, index, session)), what);
    if (!freed.done) return false;
    const now = freed.entries.at(-1)!.ModifyIndex;
    return this.#put(key, value, { cas: String(now) }, what).catch((error: unknown) => {
      throw half(what, 'it no longer vanishes, and may have its old value', error);
    });
  }

  async #put(key: string, value: Uint8Array, query: Readonly<Record<string, string>>, what: About): Promise<boolean> {
    const answer = await this.#calls.write({ method: 'PUT', path: pathOf(key), query, body: value }, what);
    if (answer.status !== 200) throw refusal(what.what, answer, { key });
    return parsed(what.what, answer) === true;
  }

  async #bind(writes: readonly RawWrite[], what: About): Promise<Bonds> {
    const bonds = new Map<string, Bond>();
    try {
      for (const write of writes) {
        if (write.op === 'delete' || !isBound(write)) continue;
        bonds.set(write.key, await this.#bondOf(write, what));
      }
    } catch (error) {
      await this.#unbind(bonds);
      throw error;
    }
    return bonds;
  }

  async #bondOf({ key, ttl }: PutOptions & { readonly key: string }, what: About): Promise<Bond> {
    if (ttl === undefined) return { session: await this.session.id() };
    if (ttl > longestTtl) {
      const message = `${what.what}: a ttl of ${ttl} ms; the longest is ${longestTtl}`;
      throw new DatasyncError('UNSUPPORTED', message, { backend: 'consul', key });
    }
    const granted = Math.max(shortestTtl, Math.ceil(ttl));
    return { session: await createSession(this.#calls, granted, what), ttl: granted };
  }

  /** Sessions that were made for nothing. */
  async #unbind(bonds: Bonds): Promise<void> {
    for (const { session, ttl } of bonds.values()) if (ttl !== undefined) await destroySession(this.#calls, session);
  }

  /** Whether it failed because the session of this broker is gone: another one is made for the next attempt. */
  async #hasLostSession(bonds: Bonds, reasons: readonly { readonly text: string }[]): Promise<boolean> {
    const own = [...bonds.values()].find(({ ttl }) => ttl === undefined)?.session;
    const isLost = own !== undefined && reasons.some(({ text }) => text.includes(`invalid session "${own}"`));
    if (isLost) await this.session.lost(own);
    return isLost;
  }

  #remember(writes: readonly RawWrite[]): void {
    for (const write of writes) {
      if (write.op === 'put' && write.lifetime !== undefined) this.session.keep(write.key, write.value);
      else this.session.forget(write.key);
    }
  }

  /**
   * A plain put leaves a key with the session that holds it, and it would vanish with it: it is taken from it.
   *
   * @param entries what was written, as Consul shows it
   */
  async #release(writes: readonly RawWrite[], entries: readonly Shown[], what: About): Promise<void> {
    for (const write of writes) {
      const { ModifyIndex, Session } = entries.findLast(({ Key }) => Key === write.key) ?? {};
      if (write.op === 'delete' || isBound(write) || Session === undefined) continue;
      await this.#free(write, ModifyIndex!, Session, what).catch((error: unknown) => {
        throw half(
          what,
          `${JSON.stringify(write.key)} is written, but may vanish with the session that held it`,
          error,
        );
      });
    }
  }

  async #free(write: Put, index: number, session: string, what: About): Promise<void> {
    const { done } = await this.#calls.txn(bodyOf(release(write, index, session)), what);
    if (done || (await find(this.#calls, write.key, what)) !== undefined) return;
    // Somebody deleted it; or the session did when it ended, which is none of those who write.
    if (await isAlive(this.#calls, session, what)) return;
    await this.#calls.txn(bodyOf(operationsOf(write, undefined, absent)), what);
  }
}

/** A write of which a part was done. */
function half({ what, key }: About, message: string, cause: unknown): DatasyncError {
  const more = { backend: 'consul', cause, ...(key !== undefined && { key }) };
  return new DatasyncError('OUTCOME_UNKNOWN', `${what}: ${message} (${messageOf(cause)})`, more);
}

/** Gives way to whoever writes the same key. */
async function pause(round: number): Promise<void> {
  if (round > 0) await firstValueFrom(timer(Math.min(10 * round, 200)));
}

/** What the result says of a `ttl` that was made longer. */
function longer(writes: readonly RawWrite[], bonds: Bonds): { readonly ttl?: number } {
  const [write, ...more] = writes;
  const granted = bonds.get(write!.key)?.ttl;
  if (more.length > 0 || write!.op === 'delete' || granted === undefined || granted <= write!.ttl!) return {};
  return { ttl: granted };
}
