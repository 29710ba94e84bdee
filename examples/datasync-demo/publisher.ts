/**
 * Publishes interfaces in two places, each time when the consumer has said how the last event ended.
 *
 *     npx tsx examples/datasync-demo/publisher.ts
 */
import { toState } from 'rx-datasync';
import { filter, firstValueFrom, map, throwError, timeout } from 'rxjs';
import { withEtcd } from '../etcd/withEtcd.ts';
import { east, interfaces, prefix, west, word, words } from './places.ts';

const patience = 20_000;

await withEtcd(async (etcd) => {
  const broker = etcd.broker({ codec: interfaces });
  const said = etcd.source({ prefixes: [prefix + word], codec: words }).pipe(
    toState(),
    map((state) => state.get(prefix + word)),
  );
  const outcomeOf = (revision: number): Promise<string> => {
    const heard = said.pipe(
      map((last) => (last !== undefined && last.revision >= revision ? last.outcome : '')),
      filter((outcome) => outcome !== ''),
      timeout({ first: patience, with: () => throwError(() => new Error('nobody answers: is consumer.ts running?')) }),
    );
    return firstValueFrom(heard, { defaultValue: '' });
  };
  const publish = async (what: string, mtus: Readonly<Record<string, number>>): Promise<void> => {
    const txn = broker.txn();
    for (const [key, mtu] of Object.entries(mtus)) txn.put(key, { mtu });
    const { revision } = await txn.commit();
    console.log(`${what}: ${await outcomeOf(revision!)}`);
  };

  const [here, there] = [`${east}eth0`, `${west}eth0`];
  await publish('two interfaces, at once', { [here]: 1500, [there]: 1500 });
  await publish('both changed', { [here]: 9000, [there]: 9000 });
  await publish('both changed again, one is watched', { [here]: 1400, [there]: 1400 });
  await publish('too much', { [here]: 70_000 });
  await publish('mended', { [here]: 1500 });
});
