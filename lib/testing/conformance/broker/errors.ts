import { textCodec } from '../../../codecs/textCodec.ts';
import type { Broker, BrokerCapabilities } from '../../../model/broker.ts';
import { valueText } from '../../text.ts';
import type { BrokerCase } from './cases.ts';

type Capability = Exclude<keyof BrokerCapabilities, 'reasons'>;

/** What each capability is asked for. */
const asked: Readonly<Record<Capability, Readonly<Record<string, (broker: Broker<unknown>) => unknown>>>> = {
  write: { put: (broker) => broker.put('a', 1), delete: (broker) => broker.delete('a') },
  ttl: { 'put with ttl': (broker) => broker.put('a', 1, { ttl: 60_000 }) },
  lifetime: { 'put with lifetime': (broker) => broker.put('a', 1, { lifetime: 'client' }) },
  transactions: { txn: (broker) => broker.txn() },
  compareAndSwap: {
    putIfNotExists: (broker) => broker.putIfNotExists('a', 1),
    compareAndSwap: (broker) => broker.compareAndSwap('a', undefined, 1),
    compareAndDelete: (broker) => broker.compareAndDelete('a', 1),
  },
  deletePrefix: { deletePrefix: (broker) => broker.deletePrefix('a') },
};

/** What is refused, and how. */
export const errors: readonly BrokerCase[] = [
  {
    name: 'the broker declares what the adapter says it does',
    test: (bench) => {
      const { reasons: _, ...declared } = bench.broker().capabilities;
      const { reasons: __, ...expected } = bench.subject.capabilities;
      bench.same(declared, expected, 'the capabilities');
      return Promise.resolve();
    },
  },
  {
    name: 'what it declares away is refused with UNSUPPORTED and the reason, and nothing is written',
    test: async (bench) => {
      const { capabilities } = bench.subject;
      const broker = bench.broker();
      for (const [capability, methods] of Object.entries(asked) as [Capability, (typeof asked)[Capability]][]) {
        if (capabilities[capability]) continue;
        const reason = capabilities.reasons?.[capability];
        if (reason === undefined) throw new Error(`${capability} is declared away without a reason`);
        for (const [method, attempt] of Object.entries(methods)) {
          // Where nothing can be written, that is the reason.
          const words = capabilities.write ? [reason] : [];
          await bench.refused(() => attempt(broker), 'UNSUPPORTED', method, method.split(' ')[0]!, ...words);
        }
      }
      await bench.holds(broker, {}, 'when everything was refused');
    },
  },
  {
    name: 'a key that is no text, a time to live that is none, an option that does not exist',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker();
      for (const key of [undefined, null, 1, {}]) {
        await bench.refused(
          () => broker.get(key as never),
          'INVALID_KEY',
          `get of ${valueText(key)}`,
          'a key must be a text',
        );
        await bench.refused(
          () => broker.put(key as never, 1),
          'INVALID_KEY',
          `put of ${valueText(key)}`,
          'a key must be a text',
        );
        await bench.refused(
          () => broker.delete(key as never),
          'INVALID_KEY',
          `delete of ${valueText(key)}`,
          'a key must be a text',
        );
      }
      for (const ttl of [0, -1, Number.NaN, '1'])
        await bench.refused(
          () => broker.put('a', 1, { ttl: ttl as never }),
          'INVALID_CONFIG',
          `a ttl of ${ttl}`,
          'ttl',
        );
      await bench.refused(() => broker.put('a', 1, { tll: 1 } as never), 'INVALID_CONFIG', 'an unknown option', 'tll');
      await bench.refused(
        () => broker.put('a', 1, { lifetime: 'for ever' as never }),
        'INVALID_CONFIG',
        'an unknown lifetime',
        'lifetime',
      );
      await bench.refused(
        () => broker.put('a', 1, { ttl: 1_000, lifetime: 'client' }),
        'INVALID_CONFIG',
        'a ttl and a lifetime',
        'exclude each other',
      );
      await bench.refused(() => broker.list({ start: 'a' } as never), 'INVALID_CONFIG', 'half a range', 'end');
      await bench.holds(broker, {}, 'when everything was refused');
    },
  },
  {
    name: 'a value that cannot be decoded: an error with backend and whole key, and the others can be read',
    needs: ['write'],
    test: async (bench) => {
      const { store, subject, prefix } = bench;
      if (subject.spoil === undefined) await bench.broker('a/', textCodec).put('bad', '{');
      else await subject.spoil(store, `${prefix}a/bad`);
      const broker = bench.broker('a/');
      await broker.put('good', 1);
      const key = JSON.stringify(`${bench.prefix}a/bad`);
      await bench.refused(() => broker.get('bad'), 'DECODE_FAILED', 'get of a bad value', key, '[rx-datasync/');
      await bench.refused(() => broker.list(), 'DECODE_FAILED', 'list of a bad value', key);
      bench.same(await broker.listKeys(), ['bad', 'good'], 'the keys, which need no codec');
      bench.same((await broker.get('good')).found, true, 'whether the other key is found');
    },
  },
  {
    name: 'a value that cannot be encoded: an error with backend and whole key, and nothing is written',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker('a/');
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      const key = JSON.stringify(`${bench.prefix}a/x`);
      for (const value of [circle, 1n, undefined])
        await bench.refused(() => broker.put('x', value), 'ENCODE_FAILED', 'put of a bad value', key, '[rx-datasync/');
      if (bench.subject.capabilities.transactions) {
        const attempt = () => broker.txn().put('y', 1).put('x', circle).commit();
        await bench.refused(attempt, 'ENCODE_FAILED', 'a bad value in a transaction', key);
      }
      await bench.holds(broker, {}, 'when everything was refused');
    },
  },
];
