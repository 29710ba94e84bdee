import { asyncScheduler, type Subscription, timer } from 'rxjs';

interface Expiry {
  readonly at: number;
  readonly key: string;
}

/** setTimeout takes no more; a longer wait is made of several. */
const longestWait = 2 ** 31 - 1;

/**
 * Which key vanishes when. One timer, for the earliest; none where no key has a time to live.
 */
export class Expiries {
  readonly #expire: (key: string) => void;
  readonly #byKey = new Map<string, Expiry>();
  /** Sorted by time, then key. */
  #queue: Expiry[] = [];
  #timer: Subscription | undefined;
  #armedFor = Infinity;
  #expiring = false;

  /** @param expire must end the key, and by that {@link Expiries.clear} it */
  constructor(expire: (key: string) => void) {
    this.#expire = expire;
  }

  /** @param ttl milliseconds from now; rounded up */
  set(key: string, ttl: number): void {
    this.#remove(key);
    const expiry = { at: asyncScheduler.now() + Math.ceil(ttl), key };
    this.#byKey.set(key, expiry);
    this.#queue.splice(this.#indexOf(expiry), 0, expiry);
    this.#arm();
  }

  clear(key: string): void {
    if (this.#remove(key)) this.#arm();
  }

  clearAll(): void {
    this.#byKey.clear();
    this.#queue = [];
    this.#arm();
  }

  #remove(key: string): boolean {
    const expiry = this.#byKey.get(key);
    if (expiry === undefined) return false;
    this.#byKey.delete(key);
    this.#queue.splice(this.#indexOf(expiry), 1);
    return true;
  }

  /** Where it stands, or belongs. */
  #indexOf({ at, key }: Expiry): number {
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#queue[middle]!;
      if (other.at < at || (other.at === at && other.key < key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #arm(): void {
    if (this.#expiring) return;
    const at = this.#queue[0]?.at ?? Infinity;
    if (at === this.#armedFor) return;
    this.#armedFor = at;
    this.#timer?.unsubscribe();
    this.#timer = undefined;
    if (at === Infinity) return;
    const wait = Math.min(Math.max(0, at - asyncScheduler.now()), longestWait);
    this.#timer = timer(wait).subscribe(() => {
      this.#armedFor = Infinity;
      this.#expireUntil(asyncScheduler.now());
      this.#arm();
    });
  }

  #expireUntil(now: number): void {
    this.#expiring = true;
    for (let due = this.#queue[0]; due !== undefined && due.at <= now; due = this.#queue[0]) this.#expire(due.key);
    this.#expiring = false;
  }
}
