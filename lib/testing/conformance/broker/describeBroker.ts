import type { DescribeOptions } from '../describeSource.ts';
import { Findings } from '../findings.ts';
import type { Awaitable } from '../subject.ts';
import { within } from '../within.ts';
import { Bench } from './bench.ts';
import { type BrokerCase, brokerCases } from './cases.ts';
import type { BrokerSubject } from './subject.ts';

/**
 * Holds a broker to what all brokers have in common: what it reads and writes, what it resolves with, what it refuses
 * and in which words, and that what is published comes back to a subscription (I41). Declares one test per matter, each
 * with a store of its own, in real time; what the broker declares away must be refused, and its other tests are declared
 * as skipped, with the reason in their names.
 *
 * @example
 * describeBroker(
 *   {
 *     name: 'memory',
 *     capabilities: memoryBroker(memoryStore()).capabilities,
 *     open: () => memoryStore(),
 *     broker: (store, made) => memoryBroker(store, made),
 *     source: { capabilities: memoryBackend(memoryStore()).capabilities, of: (store, config) => fromMemory(store, config) },
 *   },
 *   { describe, it },
 * );
 *
 * @see {@link describeSource} for the reading half
 * @param subject the adapter: how to make a broker over a fresh store, and what it declares
 * @param options the runner's `describe` and `it`, and where the report goes
 */
export function describeBroker<S>(subject: BrokerSubject<S>, options: DescribeOptions): void {
  const { describe, it, report } = options;
  const findings = new Findings(['I41']);
  const patience = (subject.patience ?? 30_000) * 2;
  describe(`${subject.name}, broker`, () => {
    for (const matter of brokerCases) {
      const name = matter.keeps === undefined ? matter.name : `${matter.keeps}: ${matter.name}`;
      const reason = reasonAgainst(subject, matter);
      if (reason === undefined) it(name, () => hold(subject, matter, findings), patience);
      else {
        findings.skip(idOf(matter), reason);
        (it.skip ?? it)(`${name} (skipped: ${reason})`, () => Promise.resolve());
      }
    }
    it('says what was shown, and what was not', async () => {
      await report?.(findings.report(subject.name, subject.version ?? '-'));
    });
  });
}

async function hold<S>(subject: BrokerSubject<S>, matter: BrokerCase, findings: Findings): Promise<void> {
  try {
    const { patience = 30_000 } = subject;
    const limited = <T>(what: string, done: Awaitable<T>): Promise<T> =>
      within(patience, done, () => new Error(`${what}: not done after ${patience} ms`));
    const bench = new Bench(subject, await limited('open', subject.open()));
    try {
      await matter.test(bench as Bench);
    } catch (error) {
      // What closing says of it comes second.
      await limited('close', bench.close()).catch(() => undefined);
      throw error;
    }
    await limited('close', bench.close());
  } catch (error) {
    findings.fail(idOf(matter));
    throw error;
  }
  if (matter.keeps !== undefined) findings.keep(matter.keeps);
}

/** What stands for it in the report. */
function idOf({ keeps, name }: BrokerCase): string {
  return keeps ?? `broker: ${name}`;
}

function reasonAgainst<S>({ capabilities, source }: BrokerSubject<S>, { needs = [] }: BrokerCase): string | undefined {
  for (const need of needs) {
    if (need === 'source') {
      if (source === undefined) return 'the adapter has no source over the same store';
      continue;
    }
    if (!capabilities[need]) return capabilities.reasons?.[need] ?? `${need}: the broker declares it away`;
  }
  return undefined;
}
