import { expect } from 'vitest';
import type { ConsulAgent, ConsulAnswer } from '../../servers/consul.ts';
import { randomNumbers } from '../../support/randomNumbers.ts';

/** How many sub-prefixes come and go. */
const places = 8;

/** Writes what programs write, without pause, until it is stopped: whether it was done, Consul says. */
export class ConsulLoad {
  readonly #agent: ConsulAgent;
  readonly #random: (n: number) => number;
  readonly #lanes: Promise<void>;
  #isOver = false;
  /** Operations that were answered. */
  done = 0;

  constructor(agent: ConsulAgent, { seed, lanes }: { readonly seed: number; readonly lanes: number }) {
    this.#agent = agent;
    this.#random = randomNumbers(seed);
    this.#lanes = Promise.all(Array.from({ length: lanes }, () => this.#run())).then(() => undefined);
  }

  /** Waits for so many more. */
  more(count: number): Promise<void> {
    const until = this.done + count;
    return expect.poll(() => this.done, { timeout: 40_000, interval: 5 }).toBeGreaterThan(until);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#lanes;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const isAnswered = await this.#one().then(
        ({ status }) => status === 200,
        () => false,
      );
      if (isAnswered) this.done++;
      // A server that is away is not asked without end.
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #one(): Promise<ConsulAnswer> {
    const [key, value] = [this.#key(), String(this.#random(1_000_000))];
    switch (this.#random(12)) {
      case 0:
        return this.#put(key, 'the same');
      case 1:
      case 2:
        return this.#agent.request('DELETE', `/v1/kv/${key}`);
      case 3:
        return this.#txn(key, value);
      case 4:
        // A whole sub-prefix goes, or what is below it.
        return this.#agent.request('DELETE', `/v1/kv/a/${this.#random(places)}/?recurse`);
      case 5:
        return this.#lock(key, value);
      default:
        return this.#put(key, value);
    }
  }

  /** In a sub-prefix, below one, or beside them. */
  #key(): string {
    const place = this.#random(places);
    const name = this.#random(12);
    return [`a/${place}/${name}`, `a/${place}/deep/${name}`, `a/${place}`, 'a/'][
      [0, 0, 0, 1, 1, 2, 2, 3][this.#random(8)]!
    ]!;
  }

  #put(key: string, value: string): Promise<ConsulAnswer> {
    return this.#agent.request('PUT', `/v1/kv/${key}`, value);
  }

  /** Puts and deletes in several places at once. */
  #txn(key: string, value: string): Promise<ConsulAnswer> {
    const Value = Buffer.from(value).toString('base64');
    const operations = [
      { KV: { Verb: 'set', Key: key, Value } },
      { KV: { Verb: 'delete', Key: this.#key() } },
      { KV: { Verb: 'set', Key: this.#key(), Value } },
      { KV: { Verb: 'delete-tree', Key: `a/${this.#random(places)}/deep/` } },
    ];
    return this.#agent.request('PUT', '/v1/txn', JSON.stringify(operations));
  }

  /** A key that hangs on a session, which ends: the key is deleted by Consul. */
  async #lock(key: string, value: string): Promise<ConsulAnswer> {
    const session = await this.#agent.request('PUT', '/v1/session/create', '{"Behavior":"delete","LockDelay":"0s"}');
    if (session.status !== 200) return session;
    const { ID } = JSON.parse(session.body) as { ID: string };
    await this.#agent.request('PUT', `/v1/kv/${key}?acquire=${ID}`, value);
    return this.#agent.request('PUT', `/v1/session/destroy/${ID}`);
  }
}
