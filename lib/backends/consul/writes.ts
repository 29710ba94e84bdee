import type { PutOptions, RawWrite, WriteResult } from '../../model/broker.ts';
import { DatasyncError } from '../../model/errors.ts';
import { parsed } from './answers.ts';
import { type About, type ConsulCalls, type Shown, unexpected } from './calls.ts';
import { refusal } from './failures.ts';
import { pathOf } from './keys.ts';
import { about, bodyOf, checkSize, isBound, type Only, operationsOf, release } from './operations.ts';
import { find } from './reads.ts';
import { ClientSession, createSession, destroySession, longestTtl, shortestTtl } from './sessions.ts';

/** What a key is bound to. */
interface Bond {
  readonly session: string;
  /** Milliseconds; missing where it is the session of the broker. */
  readonly ttl?: number;
}

type Bonds = ReadonlyMap<string, Bond>;

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
    await this.#release(writes, result.entries, bonds, what);
    const revision = Math.max(0, ...result.entries.map(({ ModifyIndex }) => ModifyIndex));
    return { ...(revision > 0 && { revision }), ...longer(writes, bonds) };
  }

  /** What no transaction takes goes alone; Consul does not say at which index. @returns whether it was done */
  async putAlone(key: string, value: Uint8Array, what: About, only?: Only): Promise<boolean> {
    const query: Record<string, string> = only === undefined ? {} : { cas: String(only.index) };
    if (!(await this.#put(key, value, query, what))) return false;
    this.session.forget(key);
    const free = await this.#calls.txn(bodyOf([{ Verb: 'check-session', Key: key, Session: '' }]), what, true);
    const holder = free.done ? undefined : (await find(this.#calls, key, what))?.session;
    if (holder !== undefined) await this.#put(key, value, { release: holder }, what);
    return true;
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

  /** A plain put leaves a key with the session that holds it, and it would vanish with it: it is taken from it. */
  async #release(writes: readonly RawWrite[], entries: readonly Shown[], bonds: Bonds, what: About): Promise<void> {
    for (const write of writes) {
      const { ModifyIndex, Session } = entries.findLast(({ Key }) => Key === write.key) ?? {};
      if (write.op === 'delete' || bonds.has(write.key) || Session === undefined) continue;
      // Whoever has written it since has the last word.
      await this.#calls.txn(bodyOf(release(write, ModifyIndex!, Session)), what);
    }
  }
}

/** What the result says of a `ttl` that was made longer. */
function longer(writes: readonly RawWrite[], bonds: Bonds): { readonly ttl?: number } {
  const [write, ...more] = writes;
  const granted = bonds.get(write!.key)?.ttl;
  if (more.length > 0 || write!.op === 'delete' || granted === undefined || granted <= write!.ttl!) return {};
  return { ttl: granted };
}
