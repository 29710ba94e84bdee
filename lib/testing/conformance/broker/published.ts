import type { WriteResult } from '../../../model/broker.ts';
import type { Capabilities } from '../../../model/capabilities.ts';
import { History } from '../../history.ts';
import { recordHistory } from '../../recordHistory.ts';
import { inspect } from '../../validate.ts';
import { problems, story } from '../play.ts';
import { Truth, type Values } from '../truth.ts';
import { codec } from '../values.ts';
import { Views } from '../views.ts';
import type { BrokerCase } from './cases.ts';

/** What is published comes back. */
export const published: readonly BrokerCase[] = [
  {
    name: 'what is put, deleted and committed comes back to the own subscription, once and at its revision',
    keeps: 'I41',
    needs: ['write', 'source'],
    test: async (bench) => {
      const { subject, store, prefix } = bench;
      const { capabilities, of } = subject.source!;
      const history = new History<unknown>();
      const truth = new Truth(history, capabilities);
      const views = new Views(history);
      const broker = bench.broker('', codec);
      const publish = async (values: Values, write: () => Promise<{ readonly revision?: number }>): Promise<void> => {
        const whole = Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
        const known = truth.begin(whole);
        known((await history.publish(async () => comparable(await write(), capabilities))).revision);
      };
      const told = () => bench.until(() => views.missing(truth.values, [prefix], false));

      await publish({ before: 1 }, () => broker.put('before', 1));
      const config = { prefixes: [prefix], codec, statusObserver: history.statusObserver };
      const recording = recordHistory(of(store, config), { history, prefixes: [prefix] });
      await told();
      await publish({ a: 1 }, () => broker.put('a', 1));
      await publish({ a: 2 }, () => broker.put('a', 2));
      await told();
      await publish({ a: undefined }, () => broker.delete('a'));
      if (subject.capabilities.transactions)
        await publish({ b: 1, c: 1, before: undefined }, () =>
          broker.txn().put('b', 1).put('c', 1).delete('before').commit(),
        );
      await publish({ last: 1 }, () => broker.put('last', 1));
      await told();
      history.quiet();
      recording.unsubscribe();
      const wrong = problems(inspect(history, capabilities).violations);
      if (wrong !== '') throw new Error(wrong + story(history));
    },
  },
];

/** Where events are counted, a revision that the store gave to a write is none of theirs. */
function comparable({ revision }: WriteResult, capabilities: Capabilities): WriteResult {
  return capabilities.revision === 'store' && revision !== undefined ? { revision } : {};
}
