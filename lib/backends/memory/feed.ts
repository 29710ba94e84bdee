import type { Subscriber } from 'rxjs';
import type { KeyValue } from '../../model/values.ts';
import type { RawChange } from '../../source/frames.ts';

/** A place in the history of a store. A wiped store is another one, and none of its old positions means anything in it. */
export interface MemoryPosition {
  readonly identity: object;
  readonly revision: number;
}

/** One transaction, as it was written down. */
export interface MemoryRecord {
  readonly position: MemoryPosition;
  readonly changes: readonly RawChange[];
  /** What each changed key held before. */
  readonly before: readonly (KeyValue<Uint8Array> | undefined)[];
}

/** Somebody who is told of every transaction. */
export interface Follower {
  readonly subscriber: Subscriber<MemoryRecord>;
  /** The last revision it was told. */
  at: number;
}

/** Tells every transaction to all followers before the next one, also when one of them writes while it is told. */
export class Feed {
  /** Another list whenever one comes or goes, so that nobody who comes while a record is told is told of it. */
  #followers: readonly Follower[] = [];
  /** Written and not told yet. */
  #untold: MemoryRecord[] = [];
  #telling = false;
  /** How often the store was wiped. */
  #generation = 0;

  add(follower: Follower): void {
    this.#followers = [...this.#followers, follower];
  }

  delete(follower: Follower): void {
    this.#followers = this.#followers.filter((other) => other !== follower);
  }

  tell(record: MemoryRecord): void {
    this.#untold.push(record);
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift()) this.#tellAll(next);
    } finally {
      this.#telling = false;
    }
  }

  /** It is another store from now on: whoever follows has lost its place. */
  end(error: unknown): void {
    const followers = this.#followers;
    this.#followers = [];
    this.#untold = [];
    this.#generation++;
    for (const { subscriber } of followers) subscriber.error(error);
  }

  #tellAll(record: MemoryRecord): void {
    const generation = this.#generation;
    const { revision } = record.position;
    for (const follower of this.#followers) {
      // Ended by one that was told before.
      if (generation !== this.#generation) return;
      // One that came meanwhile has read it in the log.
      if (follower.at >= revision || follower.subscriber.closed) continue;
      follower.at = revision;
      follower.subscriber.next(record);
    }
  }
}
