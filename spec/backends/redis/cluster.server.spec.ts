import { Redis as Client, Cluster } from 'ioredis';
import { merge } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fromRedis, listRedis, redisBackend, redisBroker, watchRedis } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { bufferDuringResync, filterByRevision, trackPrevious } from '../../../lib/index.ts';
import { fromBackend } from '../../../lib/source/fromBackend.ts';
import { describeBroker, describeSource } from '../../../lib/testing/index.ts';
import ioredis from '../../../node_modules/ioredis/package.json' with { type: 'json' };
import { needServer } from '../../servers/need.ts';
import { redisLine } from '../../servers/redis.ts';
import { type RedisClusterServers, startRedisCluster } from '../../servers/redisCluster.ts';
import { recordBackend } from '../../support/recordBackend.ts';
import { Follower, until } from './follower.ts';
import { Load } from './load.ts';

const found = needServer(redisLine);
const version = `${found?.version}, ioredis ${ioredis.version}`;

let servers: RedisClusterServers;
let writer: Cluster;
let places = 0;
let written: Promise<unknown> = Promise.resolve();

const clientOf = () => new Cluster([...servers.endpoints], { lazyConnect: true });

describe.runIf(found)('a Redis cluster', { timeout: 120_000 }, () => {
  const open = async () => {
    servers = await startRedisCluster();
    writer = new Cluster([...servers.endpoints], { slotsRefreshInterval: 500, clusterRetryStrategy: () => 50 });
    writer.on('error', () => undefined);
  };
  const close = async () => {
    writer.disconnect();
    await servers.stop();
  };

  beforeAll(open, 60_000);
  afterAll(close);

  /** What all masters hold, of strings. */
  const truth = async () => {
    const content = new Map<string, string>();
    for (const { port } of await servers.masters()) {
      const node = new Cluster([{ host: '127.0.0.1', port }], { clusterRetryStrategy: () => null });
      node.on('error', () => undefined);
      const single = new Client({ port, retryStrategy: () => null });
      single.on('error', () => undefined);
      try {
        const keys = await single.keys('*');
        for (const key of keys) {
          const value = await node.get(key);
          if (value !== null) content.set(key, value);
        }
      } finally {
        single.disconnect();
        node.disconnect();
      }
    }
    return content;
  };

  const follow = async () => {
    const follower = await new Follower(clientOf()).started();
    const load = new Load(writer, { keys: 100, seed: ++places });
    return { follower, load };
  };

  describe('its broker', () => {
    describeBroker(
      {
        name: 'redis, cluster',
        version,
        capabilities: redisBroker(new Client({ lazyConnect: true })).capabilities,
        revisions: false,
        open: () => ++places,
        // All in one slot: the suite commits several keys at once.
        prefix: (place) => `{broker${place}}`,
        broker: (_, made) => redisBroker(clientOf(), made),
        source: {
          capabilities: redisBackend(new Client({ lazyConnect: true })).capabilities,
          of: (_, config) => fromRedis(clientOf(), config),
        },
      },
      { describe, it, report: recordBackend },
    );

    it('refuses a transaction over several slots, and names the keys', async () => {
      const broker = redisBroker(clientOf(), { codec: textCodec });
      onTestFinished(() => broker.close());
      const commit = broker.txn().put('x', '1').put('y', '1').commit();
      await expect(commit).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringContaining('"x" (slot') as string,
      });
      expect(await broker.get('x')).toMatchObject({ found: false });
    });
  });

  describeSource(
    {
      name: 'redis, cluster',
      version,
      capabilities: redisBackend(new Client({ lazyConnect: true })).capabilities,
      time: 'real',
      open: () => ++places,
      prefix: (place) => `source${place}/`,
      write: (_, writes) => {
        // No transaction over several slots: one after the other, and one write after the other.
        written = written.then(async () => {
          for (const each of writes)
            await (each.op === 'delete' ? writer.del(each.key) : writer.set(each.key, Buffer.from(each.value)));
        });
        return written.then(() => undefined);
      },
      source: (_, config, { observed }) => fromBackend(observed(redisBackend(clientOf())), config),
      faults: {
        disconnect: async () => {
          for (const node of servers.nodes) await node.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
        },
        partition: 'proven with a node',
        pause: 'proven with a node',
        restart: 'proven with a node',
        wipe: 'proven with a node; a cluster is wiped node by node',
        compact: 'Redis has no history',
      },
    },
    { describe, it, report: recordBackend },
  );

  it('a list and a watch by hand: of all masters, and nothing is lost between them', async () => {
    const load = new Load(writer, { keys: 100, seed: ++places });
    const view = new Map<string, string>();
    const config = { prefixes: [''], codec: textCodec, batch: 20 };
    const client = clientOf();
    const subscription = merge(watchRedis(client, config), listRedis(client, config))
      .pipe(bufferDuringResync(), filterByRevision(), trackPrevious())
      .subscribe((event) => {
        if (event.type === 'resync') for (const { key, value } of event.entries.items) view.set(key, value);
        else
          for (const change of event.changes)
            if (change.op === 'put') view.set(change.key, change.value);
            else view.delete(change.key);
      });
    onTestFinished(() => subscription.unsubscribe());
    await load.more(1_000);
    await load.stop();
    await until(async () => {
      const wanted = await truth();
      const keys = [...new Set([...wanted.keys(), ...view.keys()])];
      return keys.some((key) => wanted.get(key) !== view.get(key)) && 'it differs';
    });
    expect(view.size).toBeGreaterThan(50);
  });

  // Last: what follows a fault that goes wrong would go wrong too.
  it('slots move from one master to another under load: nothing is lost, and nothing is read again', async () => {
    const { follower, load } = await follow();
    await load.more(500);
    const [a, b] = (await servers.masters()).map(({ port }) => port) as [number, number];
    await servers.reshard(a, b, 500);
    await load.more(500);
    await load.stop();
    await follower.knows(truth);
    expect(follower.wrong).toEqual([]);
    expect(follower.reasons).toEqual(['initial']);
  });

  it('a master is added, gets slots, gives them back and goes: the source is told of it by resyncs', async () => {
    const { follower, load } = await follow();
    const [a] = (await servers.masters()).map(({ port }) => port) as [number];
    const added = await servers.add();
    await servers.reshard(a, added.port, 500);
    await load.more(500);
    await until(() => follower.reasons.length < 2 && 'no resync');
    await servers.reshard(added.port, a, 500);
    await servers.remove(added);
    await load.more(500);
    await load.stop();
    await follower.knows(truth, 40_000);
    expect(follower.wrong).toEqual([]);
    // A master whose last slots are gone becomes a replica: other data, for who still listens to it.
    expect(follower.reasons.slice(1).every((reason) => reason === 'reconnected' || reason === 'regressed')).toBe(true);
  });

  describe('another one', () => {
    // Whose slots and replicas are as they were made.
    beforeAll(async () => {
      await close();
      await open();
    }, 60_000);

    it('a master is killed, and a replica takes its place', async () => {
      const { follower, load } = await follow();
      await load.more(500);
      // Replicas move to masters that have lost theirs: not every master has one at every moment.
      const guarded = async () => {
        const members = await servers.members();
        return members.find(({ id, slots }) => slots.length > 0 && members.some(({ follows }) => follows === id));
      };
      await until(async () => (await guarded()) === undefined && 'no master with a replica', 20_000);
      const { port } = (await guarded())!;
      const old = servers.nodeAt(port);
      await old.kill();
      const isReplaced = async () => {
        const masters = await servers.masters();
        return masters.length === 3 && masters.every((master) => master.port !== port);
      };
      await until(async () => !(await isReplaced()) && 'no new master', 40_000);
      await load.more(300, 40_000);
      await old.start();
      await servers.settled();
      await load.stop();
      await follower.knows(truth, 40_000);
      expect(follower.wrong).toEqual([]);
      expect(follower.reasons[1]).toBe('reconnected');
    });
  });
});
