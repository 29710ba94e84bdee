import type { ConsulCalls } from './calls.ts';
import { destroySession } from './sessions.ts';

/** A key with a `ttl`, and the session that was made for it alone. */
export interface TtlKey {
  readonly key: string;
  readonly session: string;
  /** At which index of Consul it was bound to it. */
  readonly index: number;
  /** When Consul has ended it, by `performance.now()`. */
  readonly until: number;
}

/** As few are not worth looking through. */
const few = 64;

/** The keys of a broker with a `ttl`: a session whose key went elsewhere would live on to its end, and Consul would keep it. */
export class TtlKeys {
  readonly #calls: ConsulCalls;
  readonly #bound = new Map<string, TtlKey>();
  #most = few;

  constructor(calls: ConsulCalls) {
    this.#calls = calls;
  }

  /** Those of some keys; to be asked before these are written. */
  of(keys: readonly string[]): readonly TtlKey[] {
    return keys.flatMap((key) => this.#bound.get(key) ?? []);
  }

  /** Those under a prefix. */
  under(prefix: string): readonly string[] {
    return [...this.#bound.keys()].filter((key) => key.startsWith(prefix));
  }

  /**
   * Of those that were bound at once, the last stays: each takes the key from the one before.
   *
   * @param before what was known before it was bound; it ends when nothing hangs on it for sure
   */
  add(one: TtlKey, before: readonly TtlKey[]): void {
    const now = performance.now();
    if (this.#bound.size >= this.#most) {
      for (const [old, { until }] of this.#bound) if (until < now) this.#bound.delete(old);
      this.#most = Math.max(few, this.#bound.size * 2);
    }
    const other = this.#bound.get(one.key);
    const atOnce = other === undefined || before.includes(other) ? undefined : other;
    // Only then: the index of a store that was restored starts anew.
    const isLast = atOnce === undefined || atOnce.index < one.index;
    if (isLast) this.#bound.set(one.key, one);
    const displaced = isLast ? atOnce : one;
    if (displaced !== undefined) this.end([displaced]);
  }

  /** Their sessions hold nothing any more, since each key was deleted or taken from it after it had been bound. */
  end(bound: readonly TtlKey[]): void {
    for (const one of bound) {
      if (this.#bound.get(one.key) === one) this.#bound.delete(one.key);
      // Nobody has to wait for it.
      void destroySession(this.#calls, one.session);
    }
  }
}
