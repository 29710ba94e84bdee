/** A write that is under way. */
export interface Turn {
  /** Of the writes of the same keys that were asked for before it: when they are sent. */
  readonly sentBefore: readonly Promise<void>[];
  /** When they are over. */
  readonly overBefore: readonly Promise<void>[];
  /** It is sent: what comes after it may be, too. */
  sent(): void;
  /** It is answered, or failed, and what it means has been noted. */
  over(): void;
}

/** When a write is sent, and over. It knows nothing of those before it, or they would never be forgotten under constant load. */
interface Marks {
  readonly isSent: Promise<void>;
  readonly isOver: Promise<void>;
}

/** The writes that are under way: those of one key are sent, and noted, in the order in which they were asked for. */
export class Turns {
  readonly #last = new Map<string, Marks>();

  /** Whether a write of that key is under way. */
  has(name: string): boolean {
    return this.#last.has(name);
  }

  /** A write begins. It has to be said that it is over. */
  take(names: readonly string[]): Turn {
    const [isSent, sent] = signal();
    const [isOver, resolve] = signal();
    const marks: Marks = { isSent, isOver };
    const before = [...new Set(names.flatMap((name) => this.#last.get(name) ?? []))];
    for (const name of names) this.#last.set(name, marks);
    const over = (): void => {
      for (const name of names) if (this.#last.get(name) === marks) this.#last.delete(name);
      sent();
      resolve();
    };
    return { sentBefore: before.map((each) => each.isSent), overBefore: before.map((each) => each.isOver), sent, over };
  }
}

function signal(): [promise: Promise<void>, resolve: () => void] {
  let given: () => void;
  const promise = new Promise<void>((resolve) => {
    given = resolve;
  });
  return [promise, given!];
}
