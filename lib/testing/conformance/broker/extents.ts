import type { BrokerCase } from './cases.ts';

const keysOf = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `many/${String(n).padStart(4, '0')}`);

/** How far it goes: many keys, ranges of a view, options of what is not a plain put, and what outlives a broker. */
export const extents: readonly BrokerCase[] = [
  {
    name: 'a list of more keys than a page of any store holds: all of them, once, sorted',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker<number>();
      const keys = keysOf(1_100);
      for (let start = 0; start < keys.length; start += 50) {
        const part = keys.slice(start, start + 50);
        if (!bench.subject.capabilities.transactions) await Promise.all(part.map((key) => broker.put(key, 1)));
        else {
          const txn = broker.txn();
          for (const key of part) txn.put(key, 1);
          await txn.commit();
        }
      }
      const listed = (await broker.list({ prefix: 'many/' })).map(({ key }) => key);
      bench.same(listed.length, keys.length, 'how many keys are listed');
      bench.same(listed, keys, 'the keys');
      bench.same(await broker.listKeys(), keys, 'the keys of listKeys');
    },
  },
  {
    name: 'ranges of a view: they begin and end within it, and their keys are without its prefix',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker();
      for (const key of ['1', '2', 'a/1', 'a/10', 'a/2', 'a/3', 'b/1', 'b/2']) await broker.put(key, key);
      const view = broker.under('a/');
      const listed = (await view.list({ start: '1', end: '3' })).map(({ key, value }) => [key, value]);
      const expected = [
        ['1', 'a/1'],
        ['10', 'a/10'],
        ['2', 'a/2'],
      ];
      bench.same(listed, expected, 'the range of a view');
      bench.same(await view.listKeys({ prefix: '1' }), ['1', '10'], 'the keys of a prefix of a view');
      bench.same(await view.listKeys({ start: '2', end: '9' }), ['2', '3'], 'the keys of a range of a view');
    },
  },
  {
    name: 'ttl in a transaction: the key vanishes, the others stay',
    needs: ['write', 'ttl', 'transactions'],
    test: async (bench) => {
      const { shortestTtl = 100 } = bench.subject;
      const broker = bench.broker();
      await broker.txn().put('long', 1).put('short', 1, { ttl: shortestTtl }).commit();
      await bench.until(async () => ((await broker.get('short')).found ? 'the key is still there' : undefined));
      await bench.holds(broker, { long: 1 }, 'when the short one is gone');
    },
  },
  {
    name: 'ttl of putIfNotExists and compareAndSwap: the key vanishes, and can be made again',
    needs: ['write', 'ttl', 'compareAndSwap'],
    test: async (bench) => {
      const { shortestTtl: ttl = 100 } = bench.subject;
      const broker = bench.broker();
      await broker.putIfNotExists('a', 1, { ttl });
      await broker.put('b', 1);
      await broker.compareAndSwap('b', 1, 2, { ttl });
      await bench.until(async () => ((await broker.list()).length > 0 ? 'the keys are still there' : undefined));
      bench.same((await broker.putIfNotExists('a', 2)).created, true, 'created, of a key that has vanished');
      await bench.holds(broker, { a: 2 }, 'in the end');
    },
  },
  {
    name: 'commit takes a time-out, refuses what is none, and says of each subscriber it knows what became of it',
    needs: ['write', 'transactions'],
    test: async (bench) => {
      const broker = bench.broker();
      for (const timeout of [-1, Number.NaN, '1'])
        await bench.refused(
          () =>
            broker
              .txn()
              .put('a', 1)
              .commit({ timeout: timeout as never }),
          'INVALID_CONFIG',
          `a commit with the time-out ${timeout}`,
          'timeout',
        );
      await bench.holds(broker, {}, 'when everything was refused');
      const { outcomes = [] } = await broker.txn().put('a', 1).commit({ timeout: 10_000 });
      for (const { subscriber, outcome } of outcomes)
        bench.same([typeof subscriber, typeof outcome.type], ['string', 'string'], 'an outcome');
      await bench.holds(broker, { a: 1 }, 'after the commit');
    },
  },
  {
    name: 'close: the client that was passed in stays open, for every other broker over it',
    test: async (bench) => {
      const [broker, other] = [bench.broker(), bench.broker()];
      await broker.list();
      await broker.close();
      await other.list();
      if (bench.subject.capabilities.write) await other.put('a', 1);
      bench.same((await bench.broker().listKeys()).length, Number(bench.subject.capabilities.write), 'how many keys');
    },
  },
];
