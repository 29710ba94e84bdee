import { catchError, EMPTY, exhaustMap, from, type Subscription, timer } from 'rxjs';
import { DatasyncError } from '../../model/errors.ts';
import type { Access } from './access.ts';
import { giveUp, renew } from './scripts.ts';

interface Kept {
  readonly key: Buffer;
  readonly value: Uint8Array;
  /** Until when it lives for sure, by our clock. */
  until: number;
  /** How many writes of ours are under way that may make something else of it. */
  changing: number;
  /** Such a write was not answered. It is renewed where it still is what it was, and never put again. */
  isDoubtful: boolean;
}

/** Keys that live as long as the broker: each for a while, again and again. */
export class Lifetimes {
  /** Milliseconds after which a key vanishes of which nobody says that it is to live on. */
  readonly ttl: number;
  readonly #access: Access;
  readonly #kept = new Map<string, Kept>();
  #timer: Subscription | undefined;

  constructor(access: Access, ttl: number) {
    this.#access = access;
    this.ttl = ttl;
  }

  /** It was put, with {@link ttl}. */
  add(name: string, key: Buffer, value: Uint8Array): void {
    this.#kept.set(name, { key, value, until: performance.now() + this.ttl, changing: 0, isDoubtful: false });
    const every = this.ttl / 3;
    this.#timer ??= timer(every, every)
      .pipe(exhaustMap(() => from(this.#renewAll()).pipe(catchError(() => EMPTY))))
      .subscribe();
  }

  /** It was put in another way, or deleted. */
  forget(name: string): void {
    this.#kept.delete(name);
  }

  /** Sends what may make something else of keys. What was refused has changed nothing, what was not answered perhaps. */
  async changing<T>(names: readonly string[], write: () => Promise<T>): Promise<T> {
    const affected = names.flatMap((name) => this.#kept.get(name) ?? []);
    for (const kept of affected) kept.changing += 1;
    try {
      return await write();
    } catch (error) {
      const isUnknown = error instanceof DatasyncError && error.code === 'OUTCOME_UNKNOWN';
      for (const kept of affected) kept.isDoubtful ||= isUnknown;
      throw error;
    } finally {
      for (const kept of affected) kept.changing -= 1;
    }
  }

  /** Deletes all that nobody else has written since. */
  async close(): Promise<void> {
    this.#timer?.unsubscribe();
    const kept = [...this.#kept.values()];
    this.#kept.clear();
    // What cannot be deleted vanishes by itself.
    await Promise.allSettled(kept.map(({ key, value }) => giveUp.run(this.#access.write, key, value)));
  }

  async #renewAll(): Promise<void> {
    await Promise.allSettled([...this.#kept].map(([name, kept]) => this.#renew(name, kept)));
  }

  async #renew(name: string, kept: Kept): Promise<void> {
    const { key, value } = kept;
    const began = performance.now();
    const answer = await renew.run(this.#access.write, key, value, String(this.ttl));
    if (this.#kept.get(name) !== kept) return;
    // It will be known how that ended.
    if (answer === -1 && kept.changing > 0) return;
    if (answer === -1 && !kept.isDoubtful && performance.now() >= kept.until) {
      // It ran out while nobody could be reached; if it was deleted before that, somebody meant it.
      const set = await this.#access.write('SET', key, value, 'NX', 'PX', String(this.ttl));
      if (this.#kept.get(name) !== kept) return;
      if (set === null) this.#kept.delete(name);
      else kept.until = began + this.ttl;
      return;
    }
    if (answer === 1) kept.until = began + this.ttl;
    else this.#kept.delete(name);
  }
}
