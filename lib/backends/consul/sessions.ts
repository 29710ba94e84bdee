import { concatMap, defer, repeat, retry, type Subscription, timer } from 'rxjs';
import { encodeText } from '../../internal/bytes.ts';
import { DatasyncError } from '../../model/errors.ts';
import { indexOf, parsed } from './answers.ts';
import type { About, ConsulCalls } from './calls.ts';
import { refusal } from './failures.ts';
import { consistent, type Limits, type Question } from './http.ts';

/** Consul ends a session when it was not renewed for so many times its TTL. */
const patience = 2;

/** The shortest and the longest TTL of a session, in milliseconds. */
export const shortestTtl: number = 10_000 * patience;
export const longestTtl: number = 86_400_000 * patience;

/** By which a session is known as one of a broker, whoever runs it. */
export const sessionName = 'rx-datasync';

/** Milliseconds until what was lost is tried to be put back again; each time twice as many, up to the longest. */
const restorePause = { first: 500, longest: 5_000 } as const;

const renewal: About = { what: "renewing the session of lifetime 'client'" };

/** Failures that are none of one key. */
const general: ReadonlySet<unknown> = new Set(['CONNECTION_LOST', 'OUTCOME_UNKNOWN']);

/**
 * Makes a session whose keys are deleted when it ends. No health check ends it: a key is to outlive the agent that wrote it.
 *
 * @param ttl milliseconds after which it ends unless it is renewed
 */
export async function createSession(calls: ConsulCalls, ttl: number, about: About): Promise<string> {
  const options = {
    Name: sessionName,
    TTL: `${Math.ceil(ttl / patience)}ms`,
    Behavior: 'delete',
    LockDelay: '0s',
    Checks: [],
    NodeChecks: [],
  };
  const body = encodeText(JSON.stringify(options));
  // Made twice is once too often, and harmless: a session without keys ends by itself.
  const answer = await calls.read({ method: 'PUT', path: '/session/create', body });
  if (answer.status !== 200) throw refusal(about.what, answer);
  return (parsed(about.what, answer) as { readonly ID: string }).ID;
}

/** A session; `undefined`: it has ended, or the token may not read it. */
export async function sessionOf(
  calls: ConsulCalls,
  id: string,
  { what }: About,
  limits: Limits = calls.limits,
): Promise<{ readonly Name?: unknown } | undefined> {
  const answer = await calls.read({ method: 'GET', path: `/session/info/${id}`, query: consistent }, limits);
  if (answer.status !== 200) throw refusal(what, answer);
  // What has no index is not Consul's.
  indexOf(what, answer);
  return (parsed(what, answer) as readonly { readonly Name?: unknown }[])[0];
}

/** Its keys are deleted with it. What cannot be ended now ends by itself. */
export async function destroySession(calls: ConsulCalls, id: string): Promise<void> {
  await calls.read({ method: 'PUT', path: `/session/destroy/${id}` }).catch(() => undefined);
}

/** The session of `lifetime: 'client'`: one for all keys of a broker, from the first of them on. */
export class ClientSession {
  readonly #calls: ConsulCalls;
  readonly #ttl: number;
  readonly #restore: (key: string, value: Uint8Array, session: string) => Promise<unknown>;
  readonly #kept = new Map<string, Uint8Array>();
  /** How many writes of ours are under way, by key. */
  readonly #changing = new Map<string, number>();
  /** What is just being put back. */
  readonly #puttingBack = new Map<string, Promise<void>>();
  /** What is to be put back: one set of keys at a time. `undefined`: nothing. */
  #missing: Map<string, Uint8Array> | undefined;
  #id: Promise<string> | undefined;
  /** Of the session that has not been lost. */
  #alive: string | undefined;
  #renewing: Subscription | undefined;
  #restoring: Subscription | undefined;
  #closed = false;

  /** @param restore puts a key again that went with its session, unless somebody has written it since; rejects where it may not */
  constructor(
    calls: ConsulCalls,
    ttl: number,
    restore: (key: string, value: Uint8Array, session: string) => Promise<unknown>,
  ) {
    this.#calls = calls;
    this.#ttl = ttl;
    this.#restore = restore;
  }

  /** The session that is alive, made now if there is none. Rejects with `FATAL` when the broker is closed. */
  async id(): Promise<string> {
    if (this.#closed)
      throw new DatasyncError('FATAL', "the broker is closed, and with it the session of lifetime 'client'", {
        backend: 'consul',
      });
    this.#id ??= this.#make();
    return this.#id;
  }

  /** From now on the key comes back when the session was lost; also where it was lost before we knew that the key was put. */
  keep(key: string, value: Uint8Array, session: string): void {
    this.#kept.set(key, value);
    if (session === this.#alive || this.#closed) return;
    if (this.#missing === undefined) this.#putBackAll(new Map([[key, value]]));
    else this.#missing.set(key, value);
  }

  /** Somebody wrote the key otherwise. */
  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** All keys under a prefix are gone, also those that were written meanwhile. */
  forgetUnder(prefix: string): void {
    for (const key of this.under(prefix)) this.forget(key);
  }

  /** The keys under a prefix that would come back. */
  under(prefix: string): readonly string[] {
    return [...this.#kept.keys()].filter((key) => key.startsWith(prefix));
  }

  /**
   * Sends what makes something else of keys, and says by `keep` and `forget` what it made. None of them is put back meanwhile, and
   * none after a write of which nobody knows whether it was done: it would undo it.
   */
  async changing<T>(keys: readonly string[], write: () => Promise<T>): Promise<T> {
    for (const key of keys) this.#changing.set(key, (this.#changing.get(key) ?? 0) + 1);
    try {
      // Whatever comes after it on another connection may come before it at Consul.
      await Promise.all(keys.flatMap((key) => this.#puttingBack.get(key) ?? []));
      return await write();
    } catch (error) {
      if ((error as DatasyncError).code === 'OUTCOME_UNKNOWN') for (const key of keys) this.forget(key);
      throw error;
    } finally {
      for (const key of keys) {
        const others = this.#changing.get(key)! - 1;
        if (others === 0) this.#changing.delete(key);
        else this.#changing.set(key, others);
      }
    }
  }

  /** Consul does not know the session any more: another one is made for whoever asks next. */
  lost(id: string): void {
    if (id !== this.#alive) return;
    this.#renewing?.unsubscribe();
    this.#id = this.#alive = undefined;
    if (!this.#closed && this.#kept.size > 0) this.#putBackAll(new Map(this.#kept));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#renewing?.unsubscribe();
    this.#restoring?.unsubscribe();
    const id = await this.#id?.catch(() => undefined);
    if (id !== undefined) await destroySession(this.#calls, id);
  }

  async #make(): Promise<string> {
    try {
      const id = await createSession(this.#calls, this.#ttl, { what: "the session of lifetime 'client'" });
      this.#alive = id;
      if (!this.#closed) this.#renewing = this.#renew(id);
      return id;
    } catch (error) {
      this.#id = undefined;
      throw error;
    }
  }

  /** Milliseconds between two renewals. */
  get #between(): number {
    return this.#ttl / patience / 3;
  }

  #renew(id: string): Subscription {
    return timer(this.#between)
      .pipe(
        concatMap(() => this.#renewOnce(id)),
        repeat(),
      )
      .subscribe();
  }

  /**
   * What cannot be renewed now can be so later, or is lost: Consul will say. A link that hangs is not waited for. A 404 may be of somebody
   * in between, or of a leader that was just elected and has not read its own log: were it believed, the keys would end with the session.
   */
  async #renewOnce(id: string): Promise<void> {
    const question: Question = { method: 'PUT', path: `/session/renew/${id}` };
    const { begin, pause, size } = this.#calls.limits;
    const limits = { begin: Math.min(begin, this.#between), pause: Math.min(pause, this.#between), size };
    const answer = await this.#calls.read(question, limits).catch(() => undefined);
    if (answer?.status !== 404) return;
    const isThere = await sessionOf(this.#calls, id, renewal, limits).then(Boolean, () => true);
    if (!isThere) this.lost(id);
  }

  #putBackAll(missing: Map<string, Uint8Array>): void {
    this.#restoring?.unsubscribe();
    this.#missing = missing;
    const { first, longest } = restorePause;
    this.#restoring = defer(() => this.#restoreAll(missing))
      .pipe(retry({ delay: (_, attempt) => timer(Math.min(first * 2 ** (attempt - 1), longest)) }))
      .subscribe();
  }

  /** One after the other. What is refused is tried again, and holds up no other. */
  async #restoreAll(missing: Map<string, Uint8Array>): Promise<void> {
    const id = await this.id();
    let failure: unknown;
    for (const [key, value] of [...missing]) {
      // That of the session before.
      await this.#puttingBack.get(key);
      if (this.#missing !== missing) return;
      // Of a write of ours that is under way it will be known how it ended.
      if (this.#changing.has(key)) continue;
      missing.delete(key);
      if (this.#closed || this.#kept.get(key) !== value) continue;
      try {
        await this.#putBack(key, value, id);
      } catch (error) {
        // Behind the others.
        missing.set(key, value);
        if (general.has((error as DatasyncError).code)) throw error;
        failure = error;
      }
    }
    if (missing.size > 0) throw failure;
    this.#missing = undefined;
  }

  async #putBack(key: string, value: Uint8Array, id: string): Promise<void> {
    const put = this.#restore(key, value, id);
    const over = (): void => void this.#puttingBack.delete(key);
    this.#puttingBack.set(key, put.then(over, over));
    await put;
  }
}
