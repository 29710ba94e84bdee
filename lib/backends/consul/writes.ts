import type { PutOptions, RawWrite, WriteResult } from '../../model/broker.ts';
import { DatasyncError } from '../../model/errors.ts';
import { type About, type ConsulCalls, type Operation, type Shown, type TxnResult, unexpected } from './calls.ts';
import { mostOperations } from './hidden.ts';
import { held, releaseAll, type State, stateOf } from './holders.ts';
import { LargeValues } from './largeValues.ts';
import { about, bodyOf, checkSize, isBound, type Only, operationsOf } from './operations.ts';
import { pause } from './pause.ts';
import { find } from './reads.ts';
import { ClientSession, createSession, destroySession, longestTtl, shortestTtl } from './sessions.ts';
import { type TtlKey, TtlKeys } from './ttlKeys.ts';

/** What a key is bound to. */
interface Bond {
  readonly session: string;
  /** Milliseconds; missing where it is the session of the broker. */
  readonly ttl?: number;
}

type Bonds = ReadonlyMap<string, Bond>;

type Reason = { readonly operation: number; readonly text: string };

const isBoundPut = (write: RawWrite): boolean => write.op === 'put' && isBound(write);

/** Whether it was the condition, which is the first operation. */
const failsAtFirst = (reasons: readonly Reason[]): boolean => reasons.some(({ operation }) => operation === 0);

/** Writes, bound to sessions where they are to vanish. */
export class ConsulWrites {
  readonly session: ClientSession;
  readonly ttlKeys: TtlKeys;
  readonly #large: LargeValues;
  readonly #calls: ConsulCalls;
  readonly #maxRequest: number;

  /** @param sessionTtl milliseconds after which Consul gives up on this program */
  constructor(calls: ConsulCalls, maxRequest: number, sessionTtl: number) {
    this.#calls = calls;
    this.#maxRequest = maxRequest;
    this.ttlKeys = new TtlKeys(calls);
    this.#large = new LargeValues(calls, maxRequest);
    this.session = new ClientSession(calls, sessionTtl, async (key, value, session) => {
      const operations = operationsOf({ op: 'put', key, value }, session, { index: 0, session: undefined });
      const what = about('putting back', key);
      const result = await this.#calls.txn(bodyOf(operations), what);
      // Whoever has written it since has the last word.
      if (!result.done && !failsAtFirst(result.reasons)) throw unexpected(what, result.reasons);
    });
  }

  /**
   * Writes everything, or nothing.
   *
   * @param only the state of the one key that is written, without which it is not
   * @returns `undefined` where that state is over
   */
  async commit(writes: readonly RawWrite[], what: About, only?: State): Promise<WriteResult | undefined> {
    checkSize(writes, what, this.#maxRequest, only);
    if (only?.stranger !== undefined && writes.some(isBoundPut)) throw held(what, writes[0]!.key, only.stranger);
    const before = this.ttlKeys.of(writes.map(({ key }) => key));
    for (let round = 0; ; round++) {
      await pause(round);
      const bonds = await this.#bind(writes, what);
      const result = await this.#attempt(writes, bonds, before, what, only).catch(async (error: unknown) => {
        // Not known: with its session a key would be deleted that was perhaps written.
        if ((error as DatasyncError).code !== 'OUTCOME_UNKNOWN') await this.#unbind(bonds);
        throw error;
      });
      if (result.done) return this.#committed(writes, bonds, before, result.entries, what);
      await this.#unbind(bonds);
      if (this.#hasLostSession(bonds, result.reasons)) continue;
      // What fails for another reason than the condition would fail again.
      if (only !== undefined && failsAtFirst(result.reasons)) return undefined;
      throw unexpected(what, result.reasons);
    }
  }

  /** Asks again as long as keys turn out to be held by other sessions of brokers than was known. */
  async #attempt(
    writes: readonly RawWrite[],
    bonds: Bonds,
    before: readonly TtlKey[],
    what: About,
    only: State | undefined,
  ): Promise<TxnResult> {
    const holders = new Map(only === undefined ? before.map(({ key, session }) => [key, session]) : []);
    const keys = writes.map(({ key }) => key);
    return this.session.changing(keys, async () => {
      for (let round = 0; ; round++) {
        await pause(round);
        const operations = this.#operationsOf(writes, bonds, holders, only);
        const result = await this.#calls.txn(bodyOf(operations), what);
        if (result.done) this.#remember(writes, bonds, before, result.entries);
        if (result.done || only !== undefined) return result;
        if (!(await this.#lookAtHolders(operations, result.reasons, holders, what))) return result;
      }
    });
  }

  /** What no transaction takes goes alone; Consul does not say at which index. @returns whether it was done */
  async putAlone(key: string, value: Uint8Array, what: About, only?: State): Promise<boolean> {
    return this.unbinding(
      [key],
      () => this.#large.put(key, value, what, only),
      (done) => done,
    );
  }

  /**
   * Sends what deletes keys, or writes them as such that stay.
   *
   * @param keys those of a prefix that are known here
   * @param isDone whether it did so
   */
  async unbinding<T>(keys: readonly string[], write: () => Promise<T>, isDone: (result: T) => boolean): Promise<T> {
    const before = this.ttlKeys.of(keys);
    return this.session.changing(keys, async () => {
      const result = await write();
      if (!isDone(result)) return result;
      for (const key of keys) this.session.forget(key);
      this.ttlKeys.end(before);
      return result;
    });
  }

  /** The keys under a prefix that hang on something. */
  under(prefix: string): readonly string[] {
    return [...new Set([...this.session.under(prefix), ...this.ttlKeys.under(prefix)])];
  }

  #operationsOf(
    writes: readonly RawWrite[],
    bonds: Bonds,
    holders: ReadonlyMap<string, string>,
    only: Only | undefined,
  ): readonly Operation[] {
    const of = (isChecked: boolean): readonly Operation[] =>
      writes.flatMap((write) => {
        const session = holders.get(write.key);
        const holder = session === undefined ? undefined : { session, isChecked };
        return operationsOf(write, bonds.get(write.key)?.session, only, holder);
      });
    const checked = of(true);
    const isTooMuch = checked.length > mostOperations || Buffer.byteLength(bodyOf(checked)) > this.#maxRequest;
    return isTooMuch ? of(false) : checked;
  }

  async #committed(
    writes: readonly RawWrite[],
    bonds: Bonds,
    before: readonly TtlKey[],
    entries: readonly Shown[],
    what: About,
  ): Promise<WriteResult> {
    const stillHeld = await releaseAll(this.#calls, writes, entries, what);
    this.ttlKeys.end(before.filter(({ key }) => !stillHeld.has(key)));
    const revision = Math.max(0, ...entries.map(({ ModifyIndex }) => ModifyIndex));
    return { ...(revision > 0 && { revision }), ...longer(writes, bonds) };
  }

  /** Finds out who holds the keys that could not be bound. @returns whether it is that, and another attempt may be made */
  async #lookAtHolders(
    operations: readonly Operation[],
    reasons: readonly Reason[],
    holders: Map<string, string>,
    what: About,
  ): Promise<boolean> {
    let isThat = false;
    for (const { operation, text } of reasons) {
      const { Verb, Key } = operations[operation] ?? {};
      if (Key === undefined || !(Verb === 'check-session' || text.includes('lock is already held'))) continue;
      isThat = true;
      const { session, stranger } = await stateOf(this.#calls, Key, await find(this.#calls, Key, what), what);
      if (stranger !== undefined) throw held(what, Key, stranger);
      if (session === undefined) holders.delete(Key);
      else holders.set(Key, session);
    }
    return isThat;
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
  #hasLostSession(bonds: Bonds, reasons: readonly Reason[]): boolean {
    const own = [...bonds.values()].find(({ ttl }) => ttl === undefined)?.session;
    const isLost = own !== undefined && reasons.some(({ text }) => text.includes(`invalid session "${own}"`));
    if (isLost) this.session.lost(own);
    return isLost;
  }

  #remember(writes: readonly RawWrite[], bonds: Bonds, before: readonly TtlKey[], entries: readonly Shown[]): void {
    for (const write of writes) {
      const { session, ttl } = bonds.get(write.key) ?? {};
      if (write.op === 'put' && write.lifetime !== undefined) this.session.keep(write.key, write.value, session!);
      else this.session.forget(write.key);
      if (ttl === undefined) continue;
      const { ModifyIndex: index } = entries.findLast(({ Key }) => Key === write.key)!;
      this.ttlKeys.add({ key: write.key, session: session!, index, until: performance.now() + ttl }, before);
    }
  }
}

/** What the result says of a `ttl` that was made longer: the longest of them. */
function longer(writes: readonly RawWrite[], bonds: Bonds): { readonly ttl?: number } {
  const granted = writes.flatMap((write) => {
    const ttl = bonds.get(write.key)?.ttl;
    return write.op === 'put' && ttl !== undefined && ttl > write.ttl! ? [ttl] : [];
  });
  return granted.length === 0 ? {} : { ttl: Math.max(...granted) };
}
