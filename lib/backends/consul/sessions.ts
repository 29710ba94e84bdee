import { concatMap, defer, repeat, retry, type Subscription, timer } from 'rxjs';
import { encodeText } from '../../internal/bytes.ts';
import { parsed } from './answers.ts';
import type { About, ConsulCalls } from './calls.ts';
import { refusal } from './failures.ts';

/** Consul ends a session when it was not renewed for so many times its TTL. */
const patience = 2;

/** The shortest and the longest TTL of a session, in milliseconds. */
export const shortestTtl: number = 10_000 * patience;
export const longestTtl: number = 86_400_000 * patience;

/** By which a session is known as one of a broker, whoever runs it. */
export const sessionName = 'rx-datasync';

/** Milliseconds between two attempts to put back what was lost. */
const restorePause = 500;

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
  #id: Promise<string> | undefined;
  #renewing: Subscription | undefined;
  #restoring: Subscription | undefined;
  #closed = false;

  /** @param restore puts a key again that went with its session, unless somebody has written it since */
  constructor(
    calls: ConsulCalls,
    ttl: number,
    restore: (key: string, value: Uint8Array, session: string) => Promise<unknown>,
  ) {
    this.#calls = calls;
    this.#ttl = ttl;
    this.#restore = restore;
  }

  /** The session that is alive, made now if there is none. */
  id(): Promise<string> {
    this.#id ??= this.#make();
    return this.#id;
  }

  /** From now on the key comes back when the session was lost. */
  keep(key: string, value: Uint8Array): void {
    this.#kept.set(key, value);
  }

  /** Somebody wrote the key otherwise. */
  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** All keys under a prefix are gone. */
  forgetUnder(prefix: string): void {
    for (const key of this.#kept.keys()) if (key.startsWith(prefix)) this.#kept.delete(key);
  }

  /** Consul does not know the session any more: another one is made for whoever asks next. */
  async lost(id: string): Promise<void> {
    const current = await this.#id?.catch(() => undefined);
    if (current !== id) return;
    this.#renewing?.unsubscribe();
    this.#id = undefined;
    if (this.#closed || this.#kept.size === 0) return;
    this.#restoring?.unsubscribe();
    this.#restoring = defer(() => this.#restoreAll())
      .pipe(retry({ delay: () => timer(restorePause) }))
      .subscribe();
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
      if (!this.#closed) this.#renewing = this.#renew(id);
      return id;
    } catch (error) {
      this.#id = undefined;
      throw error;
    }
  }

  #renew(id: string): Subscription {
    return timer(this.#ttl / patience / 3)
      .pipe(
        concatMap(() => this.#renewOnce(id)),
        repeat(),
      )
      .subscribe();
  }

  /** What cannot be renewed now can be so later, or is lost: Consul will say. */
  async #renewOnce(id: string): Promise<void> {
    const answer = await this.#calls.read({ method: 'PUT', path: `/session/renew/${id}` }).catch(() => undefined);
    if (answer?.status === 404) await this.lost(id);
  }

  async #restoreAll(): Promise<void> {
    const id = await this.id();
    for (const [key, value] of [...this.#kept]) {
      if (!this.#closed && this.#kept.get(key) === value) await this.#restore(key, value, id);
    }
  }
}
