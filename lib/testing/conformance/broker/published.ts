import type { BrokerCase } from './cases.ts';
import { Listener } from './listener.ts';

type Needs = NonNullable<BrokerCase['needs']>;

/** A case with a subscription, which is over whatever happens. */
function heard(
  name: string,
  needs: Needs,
  test: (listener: Listener, shortestTtl: number) => Promise<void>,
): BrokerCase {
  return {
    name,
    keeps: 'I41',
    needs: ['write', 'source', ...needs],
    test: async (bench) => {
      const listener = new Listener(bench);
      try {
        await test(listener, bench.subject.shortestTtl ?? 100);
        await listener.end();
      } finally {
        listener.close();
      }
    },
  };
}

/** What is published comes back. */
export const published: readonly BrokerCase[] = [
  heard(
    'what is put and deleted comes back to the own subscription, once and at its revision',
    [],
    async (listener) => {
      const { broker } = listener;
      await listener.listen();
      await listener.publish({ a: 1 }, () => broker.put('a', 1));
      await listener.publish({ a: 2 }, () => broker.put('a', 2));
      await listener.told();
      await listener.publish({ a: undefined }, () => broker.delete('a'));
      await listener.told();
    },
  ),
  heard('a transaction comes back, as one event where the source has them', ['transactions'], async (listener) => {
    const { broker } = listener;
    await listener.listen();
    const commit = () => broker.txn().put('b', 1).put('c', 1).delete('before').commit();
    await listener.publish({ b: 1, c: 1, before: undefined }, commit);
    await listener.told();
  }),
  heard('deletePrefix comes back, as one event where the source has them', ['deletePrefix'], async (listener) => {
    const { broker } = listener;
    for (const key of ['a/1', 'a/2', 'ab']) await listener.publish({ [key]: 1 }, () => broker.put(key, 1));
    await listener.listen();
    await listener.publish({ 'a/1': undefined, 'a/2': undefined }, () => broker.deletePrefix('a/'));
    await listener.told();
  }),
  heard(
    'what is compared and written comes back, and what was refused does not',
    ['compareAndSwap'],
    async (listener) => {
      const { broker } = listener;
      await listener.listen();
      await listener.publish({ a: 1 }, () => broker.putIfNotExists('a', 1));
      await broker.putIfNotExists('a', 9);
      await listener.publish({ a: 2 }, () => broker.compareAndSwap('a', 1, 2));
      await broker.compareAndSwap('a', 1, 9);
      await broker.compareAndDelete('a', 1);
      await listener.told();
      await listener.publish({ a: undefined }, () => broker.compareAndDelete('a', 2));
      await listener.told();
    },
  ),
  heard('the end of a ttl comes back as a delete', ['ttl'], async (listener, shortestTtl) => {
    const { broker } = listener;
    await listener.listen();
    await listener.publish({ a: 1 }, () => broker.put('a', 1, { ttl: shortestTtl * 2 }));
    await listener.told();
    const known = listener.expect({ a: undefined });
    await listener.told();
    known(listener.changesOf('a').at(-1)?.revision);
  }),
  heard('an equal put is a write, and the delete of a key that is not there is none', [], async (listener) => {
    const { broker } = listener;
    await listener.listen();
    await listener.publish({ a: 1 }, () => broker.put('a', 1));
    await listener.told();
    await listener.publish({ a: 1 }, () => broker.put('a', 1));
    await broker.delete('never');
    // Whether it is told is a matter of the source (I16), which is judged in the end.
    await listener.publish({ b: 1 }, () => broker.put('b', 1));
    await listener.told();
    const told = listener.changesOf('never').length;
    if (told > 0) throw new Error(`the delete of a key that is not there was told ${told} times`);
  }),
];
