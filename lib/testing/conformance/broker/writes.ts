import type { BrokerCase } from './cases.ts';

/** Writes, and what they resolve with. */
export const writes: readonly BrokerCase[] = [
  {
    name: 'put and delete: the revision grows, and existed says what was there',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker();
      bench.same((await broker.delete('a')).existed, false, 'existed, of a key that never was');
      let last = bench.revision((await broker.put('a', 1)).revision, 0, 'the first put');
      last = bench.revision((await broker.put('a', 2)).revision, last, 'the second put');
      const gone = await broker.delete('a');
      bench.same(gone.existed, true, 'existed');
      bench.revision(gone.revision, last, 'the delete');
      bench.same((await broker.delete('a')).existed, false, 'existed, of a key that was deleted');
      await bench.holds(broker, {}, 'after the delete');
    },
  },
  {
    name: 'deletePrefix: everything under a raw string prefix, and how much that was',
    needs: ['write', 'deletePrefix'],
    test: async (bench) => {
      const broker = bench.broker();
      for (const key of ['a', 'a/1', 'a/2', 'ab', 'b']) await broker.put(key, 1);
      bench.same((await broker.deletePrefix('a/')).deleted, 2, "what deletePrefix('a/') deleted");
      await bench.holds(broker, { a: 1, ab: 1, b: 1 }, "after deletePrefix('a/')");
      bench.same((await broker.deletePrefix('a/')).deleted, 0, "what the second deletePrefix('a/') deleted");
      bench.same((await broker.under('a').deletePrefix('')).deleted, 2, 'what deletePrefix of a view deleted');
      await bench.holds(broker, { b: 1 }, 'after deletePrefix of the view');
    },
  },
  {
    name: 'putIfNotExists, compareAndSwap, compareAndDelete: only where the key holds what is expected',
    needs: ['write', 'compareAndSwap'],
    test: async (bench) => {
      const broker = bench.broker();
      bench.same((await broker.putIfNotExists('a', 1)).created, true, 'created, of a missing key');
      bench.same((await broker.putIfNotExists('a', 2)).created, false, 'created, of a key that is there');
      bench.same((await broker.compareAndSwap('a', 9, 2)).swapped, false, 'swapped, where something else is there');
      bench.same(
        (await broker.compareAndSwap('a', undefined, 2)).swapped,
        false,
        'swapped, where nothing was expected',
      );
      bench.same((await broker.compareAndSwap('a', 1, { b: [2] })).swapped, true, 'swapped');
      bench.same((await broker.compareAndSwap('a', { b: [2] }, 3)).swapped, true, 'swapped, of a record');
      bench.same((await broker.compareAndSwap('new', undefined, 1)).swapped, true, 'swapped, where nothing was');
      bench.same((await broker.compareAndSwap('none', 1, 2)).swapped, false, 'swapped, of a missing key');
      bench.same((await broker.compareAndDelete('a', 1)).deleted, false, 'deleted, where something else is there');
      bench.same((await broker.compareAndDelete('a', 3)).deleted, true, 'deleted');
      bench.same((await broker.compareAndDelete('a', 3)).deleted, false, 'deleted, of a missing key');
      await bench.holds(broker, { new: 1 }, 'in the end');
    },
  },
  {
    name: 'compareAndSwap: of many at once one wins',
    needs: ['write', 'compareAndSwap'],
    test: async (bench) => {
      const broker = bench.broker<number>();
      await broker.put('a', -1);
      const all = await Promise.all(Array.from({ length: 20 }, (_, n) => broker.compareAndSwap('a', -1, n)));
      const winners = all.flatMap(({ swapped }, n) => (swapped ? [n] : []));
      bench.same(winners.length, 1, 'how many won');
      await bench.holds(broker, { a: winners[0] }, 'in the end');
      const created = await Promise.all(Array.from({ length: 20 }, (_, n) => broker.putIfNotExists('b', n)));
      bench.same(created.filter((result) => result.created).length, 1, 'how many made the key');
    },
  },
  {
    name: 'a transaction writes everything at once, in one revision; the same key twice: the last wins',
    needs: ['write', 'transactions'],
    test: async (bench) => {
      const broker = bench.broker<number>();
      const last = bench.revision((await broker.put('gone', 1)).revision, 0, 'put');
      const txn = broker
        .txn()
        .put('a', 1)
        .put('b', 1)
        .delete('gone')
        .delete('never')
        .put('a', 2)
        .put('c', 1)
        .delete('c');
      await bench.holds(broker, { gone: 1 }, 'before the commit');
      const { revision } = await txn.commit();
      bench.revision(revision, last, 'the commit');
      await bench.holds(broker, { a: 2, b: 1 }, 'after the commit');
      if (bench.subject.revisions !== false) {
        const revisions = (await broker.list()).map((entry) => entry.revision);
        bench.same(revisions, [revision, revision], 'the revisions of the keys of one transaction');
      }
      await bench.refused(() => txn.commit(), 'INVALID_CONFIG', 'the second commit of a transaction', 'once');
      await bench.refused(() => txn.put('d', 1), 'INVALID_CONFIG', 'a put after the commit', 'once');
      await broker.txn().commit();
      await bench.holds(broker, { a: 2, b: 1 }, 'after an empty commit');
    },
  },
  {
    name: 'ttl: the key vanishes; a later put without one keeps it',
    needs: ['write', 'ttl'],
    test: async (bench) => {
      const { shortestTtl = 100 } = bench.subject;
      const broker = bench.broker<number>();
      await broker.put('long', 1, { ttl: 3_600_000 });
      await broker.put('kept', 1, { ttl: shortestTtl });
      await broker.put('kept', 2);
      await broker.put('short', 1, { ttl: shortestTtl * 2 });
      await bench.until(async () => ((await broker.get('short')).found ? 'the key is still there' : undefined));
      await bench.holds(broker, { kept: 2, long: 1 }, 'when the short one is gone');
    },
  },
  {
    name: "lifetime 'client': the key is there while the broker is open, and vanishes when it is closed",
    needs: ['write', 'lifetime'],
    test: async (bench) => {
      const broker = bench.broker<number>();
      const other = bench.broker<number>();
      await broker.put('a', 1, { lifetime: 'client' });
      await broker.put('kept', 1, { lifetime: 'client' });
      await broker.put('kept', 2);
      await broker.under('a/').put('b', 1, { lifetime: 'client' });
      await bench.holds(other, { a: 1, 'a/b': 1, kept: 2 }, 'while the broker is open');
      await broker.close();
      await bench.until(async () => ((await other.list()).length > 1 ? 'keys are still there' : undefined));
      await bench.holds(other, { kept: 2 }, 'when it is closed');
    },
  },
  {
    name: 'writes at once from many sides all arrive',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker<number>();
      const expected = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, n]));
      const results = await Promise.all(Object.entries(expected).map(([key, n]) => broker.put(key, n)));
      await bench.holds(broker, expected, 'in the end');
      if (bench.subject.revisions !== false)
        bench.same(new Set(results.map(({ revision }) => revision)).size, 30, 'how many revisions 30 writes have');
    },
  },
];
