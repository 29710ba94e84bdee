/** What is closed with its store. */
interface Closable {
  close(): Promise<void>;
}

/** The brokers that a store has made. */
export class Owned {
  readonly #brokers: Closable[] = [];

  add<B extends Closable>(broker: B): B {
    this.#brokers.push(broker);
    return broker;
  }

  /** Closes them, one after the other. */
  async close(): Promise<void> {
    for (const broker of this.#brokers.splice(0)) await broker.close();
  }
}
