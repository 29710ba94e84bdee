import { catchError, EMPTY, exhaustMap, from, type Subscription, timer } from 'rxjs';
import type { Access } from './access.ts';
import { giveUp, renew } from './scripts.ts';

interface Kept {
  readonly key: Buffer;
  readonly value: Uint8Array;
  /** Until when it lives for sure, by our clock. */
  until: number;
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
    this.#kept.set(name, { key, value, until: performance.now() + this.ttl });
    const every = this.ttl / 3;
    this.#timer ??= timer(every, every)
      .pipe(exhaustMap(() => from(this.#renewAll()).pipe(catchError(() => EMPTY))))
      .subscribe();
  }

  /** It was put in another way, or deleted. */
  forget(name: string): void {
    this.#kept.delete(name);
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
    if (answer === -1 && performance.now() >= kept.until) {
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
