import type { DatasyncEvent } from '../../model/events.ts';

/** An event in {@link Lanes}, from when it came until it is over. */
export interface Turn<T> {
  readonly event: DatasyncEvent<T>;
  /** How many earlier ones it waits for. */
  blockers: number;
  /** Those that wait for it. */
  readonly followers: Turn<T>[];
  /** Whether it is being worked on, or was: the work has the claim. */
  isTaken: boolean;
}

/**
 * Which events may be worked on at once: those of different keys. What has a key in common follows in the order of
 * arrival; a resync follows everything before it, and everything after it follows it.
 */
export class Lanes<T> {
  /** Free to start, in the order in which they became so. */
  readonly ready: Turn<T>[] = [];
  /** All that are not over, in the order of arrival. */
  readonly open: Set<Turn<T>> = new Set();
  /** The last one of each key. */
  readonly #last = new Map<string, Turn<T>>();
  /** The last resync, until it is over. */
  #barrier: Turn<T> | undefined;

  add(event: DatasyncEvent<T>): void {
    const turn: Turn<T> = { event, blockers: 0, followers: [], isTaken: false };
    if (event.type === 'resync') {
      // What follows an earlier resync is open too: one pass finds all.
      for (const earlier of this.open) follow(turn, earlier);
      this.#barrier = turn;
      this.#last.clear();
    } else {
      if (this.#barrier !== undefined) follow(turn, this.#barrier);
      for (const { key } of event.changes) this.#enter(key, turn);
      for (const { key } of event.rejected) this.#enter(key, turn);
    }
    this.open.add(turn);
    if (turn.blockers === 0) this.ready.push(turn);
  }

  /** The event has been dealt with: those that waited for nothing else are ready. */
  end(turn: Turn<T>): void {
    this.open.delete(turn);
    if (this.#barrier === turn) this.#barrier = undefined;
    for (const { key } of turn.event.type === 'change' ? turn.event.changes : []) this.#leave(key, turn);
    for (const { key } of turn.event.rejected) this.#leave(key, turn);
    for (const follower of turn.followers) if (--follower.blockers === 0) this.ready.push(follower);
  }

  #enter(key: string, turn: Turn<T>): void {
    const earlier = this.#last.get(key);
    if (earlier !== undefined && earlier !== turn) follow(turn, earlier);
    this.#last.set(key, turn);
  }

  #leave(key: string, turn: Turn<T>): void {
    if (this.#last.get(key) === turn) this.#last.delete(key);
  }
}

function follow<T>(turn: Turn<T>, earlier: Turn<T>): void {
  earlier.followers.push(turn);
  turn.blockers++;
}
