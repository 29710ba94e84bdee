import { asyncScheduler, lastValueFrom, timer } from 'rxjs';
import { jsonCodec } from '../../../codecs/jsonCodec.ts';
import type { Broker } from '../../../model/broker.ts';
import type { Codec } from '../../../model/codec.ts';
import { DatasyncError, type ErrorCode, messageOf } from '../../../model/errors.ts';
import { valueText } from '../../text.ts';
import { same } from '../../validators/same.ts';
import type { BrokerSubject } from './subject.ts';

/** What a test of a broker works with: a store of its own, and what must hold. */
export class Bench<S = unknown> {
  readonly subject: BrokerSubject<S>;
  readonly store: S;
  readonly #made: Broker<unknown>[] = [];

  constructor(subject: BrokerSubject<S>, store: S) {
    this.subject = subject;
    this.store = store;
  }

  /** Before every key of this store. */
  get prefix(): string {
    return this.subject.prefix?.(this.store) ?? '';
  }

  /** A broker of JSON, or of something else, under the store's prefix and some more. */
  broker<T = unknown>(prefix = '', codec: Codec<T> = jsonCodec<T>()): Broker<T> {
    const broker = this.subject.broker(this.store, { prefix: this.prefix + prefix, codec });
    this.#made.push(broker);
    return broker;
  }

  async close(): Promise<void> {
    for (const broker of this.#made) await broker.close();
    await this.subject.close?.(this.store);
  }

  /** @throws Error where two things differ */
  same(actual: unknown, expected: unknown, what: string): void {
    if (!same(actual, expected)) throw new Error(`${what}: ${valueText(actual)}, not ${valueText(expected)}`);
  }

  /** What a broker holds, without revisions. */
  async holds(broker: Broker<unknown>, expected: Readonly<Record<string, unknown>>, when: string): Promise<void> {
    const entries = (await broker.list()).map(({ key, value }) => [key, value]);
    this.same(
      entries,
      Object.entries(expected).sort(([a], [b]) => (a < b ? -1 : 1)),
      `what list() gives ${when}`,
    );
  }

  /** A revision is there, and greater than the last one; where the store has one. */
  revision(actual: number | undefined, after: number, what: string): number {
    if (this.subject.revisions === false) return after;
    if (!Number.isSafeInteger(actual) || actual! <= after)
      throw new Error(`${what} resolved with the revision ${valueText(actual)}, not with one after ${after}`);
    return actual!;
  }

  /** It is refused, with a code and words of ours. */
  async refused(attempt: () => unknown, code: ErrorCode, what: string, ...words: readonly string[]): Promise<void> {
    let error: unknown;
    try {
      await attempt();
    } catch (thrown) {
      error = thrown;
    }
    if (error === undefined) throw new Error(`${what} was not refused`);
    if (!(error instanceof DatasyncError))
      throw new Error(`${what} was refused with an error of no code: ${messageOf(error)}`);
    this.same(error.code, code, `the code that refuses ${what}`);
    for (const word of ['[rx-datasync', ...words])
      if (!error.message.includes(word))
        throw new Error(`the message that refuses ${what} lacks ${JSON.stringify(word)}: ${error.message}`);
  }

  /** Waits until nothing is missing. */
  async until(missing: () => string | undefined | Promise<string | undefined>): Promise<void> {
    const { patience = 30_000 } = this.subject;
    const until = asyncScheduler.now() + patience;
    for (let text = await missing(); text !== undefined; text = await missing()) {
      if (asyncScheduler.now() > until) throw new Error(`waited ${patience} ms: ${text}`);
      await lastValueFrom(timer(10), { defaultValue: 0 });
    }
  }
}
