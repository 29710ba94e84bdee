import type { Observable } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import type { RedisClient } from './client.ts';

const handovers = new WeakMap<RedisClient, Handover>();

/** What the halves over one client know of each other: a listing waits for the watches, and what was touched for the listing. */
export class Handover {
  readonly #arming = new Set<object>();
  readonly #listing = new Set<object>();
  readonly #waiting = new Set<() => void>();

  static of(client: RedisClient): Handover {
    const known = handovers.get(client) ?? new Handover();
    handovers.set(client, known);
    return known;
  }

  /** A watch begins. @returns to be called when it is armed, or over */
  arm(): () => void {
    return this.#during(this.#arming);
  }

  /** Emits and completes when all watches stand that are there now. */
  armed(): Observable<void> {
    const before = [...this.#arming];
    return this.#when(() => !before.some((watch) => this.#arming.has(watch)));
  }

  /** A listing begins. @returns to be called when it has been told, or is over */
  list(): () => void {
    return this.#during(this.#listing);
  }

  /** Emits and completes when nobody lists. */
  listed(): Observable<void> {
    return this.#when(() => this.#listing.size === 0);
  }

  #during(set: Set<object>): () => void {
    const one = {};
    set.add(one);
    return () => {
      if (!set.delete(one)) return;
      for (const look of [...this.#waiting]) look();
    };
  }

  #when(is: () => boolean): Observable<void> {
    return cold((subscriber) => {
      const look = (): void => {
        // Of those that wait, one may have begun something before the next is asked.
        if (!is()) return;
        this.#waiting.delete(look);
        subscriber.next();
        subscriber.complete();
      };
      this.#waiting.add(look);
      subscriber.add(() => this.#waiting.delete(look));
      look();
    });
  }
}
