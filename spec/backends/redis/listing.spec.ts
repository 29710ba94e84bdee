import { describe, expect, it } from 'vitest';
import { listed } from '../../../lib/backends/redis/listing.ts';

/** A server that holds three pages, of a key each, and answers what it was asked when it is told to. */
class Slow {
  readonly asked: string[] = [];
  readonly #answers: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  readonly call = (_command: string, cursor: unknown): Promise<unknown> => {
    const page = Number(String(cursor));
    const scanned = [Buffer.from(page === 2 ? '0' : `${page + 1}`), [Buffer.from(`k${page}`)]];
    return this.#answered(`SCAN ${page}`, scanned);
  };

  readonly read = (names: readonly string[]): Promise<readonly string[]> =>
    this.#answered(`MGET ${names.join()}`, names);

  /** Answers the oldest question, and lets everybody go on. */
  async answer(error?: Error): Promise<void> {
    const next = this.#answers.shift()!;
    if (error === undefined) next.resolve();
    else next.reject(error);
    await new Promise((resolve) => setImmediate(resolve));
  }

  #answered<T>(question: string, answer: T): Promise<T> {
    this.asked.push(question);
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve: () => resolve(answer), reject });
    });
  }
}

function listing(server: Slow) {
  const told: string[] = [];
  const subscription = listed(server.call, server.read, [''], { keyEncoding: 'utf8', batch: 1 }).subscribe({
    next: (page) => told.push(...page),
    error: (error: Error) => told.push(error.message),
    complete: () => told.push('complete'),
  });
  return { told, subscription };
}

describe('the listing of Redis', () => {
  it('asks for the values of the next page before those of this one are there, and not for more', async () => {
    const server = new Slow();
    const { told } = listing(server);
    await server.answer();
    expect(server.asked).toEqual(['SCAN 0', 'SCAN 1', 'MGET k0']);
    await server.answer();
    expect(server.asked.slice(3)).toEqual(['SCAN 2', 'MGET k1']);
    expect(told).toEqual([]);
    for (let left = 4; left > 0; left--) await server.answer();
    expect(told).toEqual(['k0', 'k1', 'k2', 'complete']);
    expect(server.asked).toHaveLength(6);
  });

  it('a page that cannot be read is an error after the page before it, and nothing is asked any more', async () => {
    const server = new Slow();
    const { told } = listing(server);
    await server.answer();
    await server.answer(new Error('no page 1'));
    expect(told).toEqual([]);
    await server.answer();
    expect(told).toEqual(['k0', 'no page 1']);
    expect(server.asked).toEqual(['SCAN 0', 'SCAN 1', 'MGET k0']);
  });

  it('asks for nothing any more when it is unsubscribed', async () => {
    const server = new Slow();
    const { told, subscription } = listing(server);
    await server.answer();
    subscription.unsubscribe();
    await server.answer(new Error('closed'));
    await server.answer(new Error('closed'));
    expect(server.asked).toEqual(['SCAN 0', 'SCAN 1', 'MGET k0']);
    expect(told).toEqual([]);
  });
});
