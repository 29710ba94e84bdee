import { describe, expect, it } from 'vitest';
import { fromMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { memoryBroker } from '../../lib/backends/memory/memoryBroker.ts';
import { type MemoryStore, memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { brokerFrom } from '../../lib/broker/brokerFrom.ts';
import type { Broker, CoreBroker } from '../../lib/model/broker.ts';
import { type BrokerSubject, type ConformanceReport, describeBroker } from '../../lib/testing/index.ts';
import { collect } from '../support/collect.ts';
import { recordBackend } from '../support/recordBackend.ts';

const memory: BrokerSubject<MemoryStore> = {
  name: 'memory, pinned',
  version: 'in process',
  capabilities: memoryBroker(memoryStore()).capabilities,
  open: () => memoryStore(),
  broker: (store, made) => memoryBroker(store, made),
  source: {
    capabilities: memoryBackend(memoryStore()).capabilities,
    of: (store, config) => fromMemory(store, config),
  },
};

describeBroker(memory, { describe, it, report: recordBackend });

type Methods = Partial<{ [M in keyof Broker<unknown>]: (broker: Broker<unknown>, ...args: never[]) => unknown }>;

/** The same broker with other methods, also under a prefix. */
function broken(broker: Broker<unknown>, methods: Methods): Broker<unknown> {
  return new Proxy(broker, {
    get: (target, name) => {
      const method = methods[name as keyof Methods] as
        | ((broker: Broker<unknown>, ...args: unknown[]) => unknown)
        | undefined;
      if (method !== undefined) return (...args: unknown[]) => method(target, ...args);
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args);
        return name === 'under' ? broken(result as Broker<unknown>, methods) : result;
      };
    },
  });
}

/** What is wrong, and a word of what the suite says. */
const bad: readonly { readonly name: string; readonly says: string; readonly methods: Methods }[] = [
  {
    name: 'a delete always says that the key existed',
    says: 'existed, of a key that never was: true, not false',
    methods: { delete: async (broker, key: string) => ({ ...(await broker.delete(key)), existed: true }) },
  },
  {
    name: 'keys are given with their prefix',
    says: 'of the view',
    methods: {
      list: async (broker, range) => (await broker.list(range)).map((item) => ({ ...item, key: `a/b/${item.key}` })),
    },
  },
  {
    name: 'a list as the store gives it, in no order',
    says: 'listKeys, compared with list',
    methods: { list: async (broker, range) => [...(await broker.list(range))].reverse() },
  },
  {
    name: 'a prefix is a directory: deletePrefix takes the key itself too',
    says: "what deletePrefix('a/') deleted: 3, not 2",
    methods: {
      deletePrefix: async (broker, prefix: string) => {
        const { deleted } = await broker.deletePrefix(prefix);
        return { deleted: deleted + Number((await broker.delete(prefix.replace(/\/$/, ''))).existed) };
      },
    },
  },
  {
    name: 'a put resolves before it is done, with the revision before',
    says: 'resolved with the revision',
    methods: {
      put: async (broker, ...args) => ({
        revision: ((await broker.put(...(args as unknown as [string, unknown]))).revision ?? 0) - 1,
      }),
    },
  },
  {
    name: 'a put that never comes back as an event',
    says: 'waited',
    methods: { put: () => Promise.resolve({ revision: Math.floor(performance.now() * 1_000) }) },
  },
  {
    name: 'compareAndSwap compares nothing',
    says: 'swapped, where something else is there: true, not false',
    methods: {
      compareAndSwap: async (broker, key: string, _expected, value) => ({
        ...(await broker.put(key, value)),
        swapped: true,
      }),
    },
  },
  {
    name: 'a get, then a put: two that compare at once both win',
    says: 'how many won',
    methods: {
      compareAndSwap: async (broker, key: string, expected: unknown, value: unknown) => {
        const got = await broker.get(key);
        if (JSON.stringify(got.found ? got.value : undefined) !== JSON.stringify(expected)) return { swapped: false };
        return { ...(await broker.put(key, value)), swapped: true };
      },
    },
  },
  {
    name: 'a transaction is written one by one',
    says: 'before the commit',
    methods: {
      txn: (broker) => {
        const at = (written: Promise<unknown>) => {
          written.catch(() => undefined);
          return txn;
        };
        const txn = {
          put: (key: string, value: unknown): unknown => at(broker.put(key, value)),
          delete: (key: string): unknown => at(broker.delete(key)),
          commit: () => Promise.resolve({ revision: 99 }),
        };
        return txn;
      },
    },
  },
  {
    name: 'a list that ends with its first page',
    says: 'how many keys are listed: 1000, not 1100',
    methods: { list: async (broker, range) => (await broker.list(range)).slice(0, 1_000) },
  },
  {
    name: 'a range of a view that is not under its prefix',
    says: 'the range of a view',
    methods: {
      under: (broker, prefix: string) =>
        broken(broker.under(prefix), { list: (_, range) => broker.list(range) } satisfies Methods),
    },
  },
  {
    name: 'deletePrefix deletes one key after the other',
    says: 'I13 at step',
    methods: {
      deletePrefix: async (broker, prefix: string) => {
        const keys = await broker.listKeys({ prefix });
        let result = {};
        for (const key of keys) result = await broker.delete(key);
        return { ...result, deleted: keys.length };
      },
    },
  },
  {
    name: 'an equal put is not written',
    says: 'of revision 3 only "b" was told, not "a"',
    methods: {
      put: async (broker, key: string, value, options?: object) => {
        const got = await broker.get(key);
        const isEqual = got.found && options === undefined && JSON.stringify(got.value) === JSON.stringify(value);
        return isEqual ? { revision: got.revision + 1 } : broker.put(key, value, options);
      },
    },
  },
  {
    name: 'what is refused is written all the same',
    says: 'is told as 9, the store holds 2',
    methods: {
      compareAndDelete: async (broker, key: string, expected: unknown) => {
        const result = await broker.compareAndDelete(key, expected);
        if (!result.deleted && expected === 1 && key === 'a') await broker.put('a', 9);
        return result;
      },
    },
  },
  {
    name: 'ttl is forgotten in a transaction, and the time-out of a commit is not looked at',
    says: 'a commit with the time-out -1 was not refused',
    methods: {
      txn: (broker) => {
        const real = broker.txn();
        const txn = {
          put: (key: string, value: unknown): unknown => real.put(key, value) && txn,
          delete: (key: string): unknown => real.delete(key) && txn,
          commit: () => real.commit(),
        };
        return txn;
      },
    },
  },
  {
    name: 'ttl is taken and forgotten',
    says: 'the key is still there',
    methods: { put: (broker, key: string, value) => broker.put(key, value) },
  },
  {
    name: 'errors of a codec as they come',
    says: 'with an error of no code',
    methods: {
      get: (broker, key: string) =>
        broker.get(key).catch((error: Error) => {
          throw error.cause;
        }),
    },
  },
  {
    name: 'a view that is closed closes everything',
    says: 'closed',
    methods: {
      under: (broker, prefix: string) => {
        const view = broker.under(prefix);
        return broken(view, {
          under: (_, more: string) => broken(view.under(more), { close: () => void closed.add(broker) }),
        });
      },
      get: (broker, key: string) => (closed.has(broker) ? Promise.reject(new Error('closed')) : broker.get(key)),
    },
  },
];
const closed = new Set<unknown>();

describe.each(bad)('a broker that is broken: $name', ({ methods, says }) => {
  it('fails, and the message says how', async () => {
    const subject: BrokerSubject<MemoryStore> = {
      ...memory,
      patience: 300,
      broker: (store, made) => broken(memoryBroker(store, made) as Broker<unknown>, methods) as never,
    };
    const reports: ConformanceReport[] = [];
    const all = await collect((runner) =>
      describeBroker(subject, { ...runner, report: (report) => reports.push(report) }),
    );
    expect(reports[0]!.skipped.map(({ reason }) => reason)).toContain('its test failed');
    const failures = all.flatMap(({ failure }) => (failure === undefined || failure === 'skipped' ? [] : [failure]));
    expect(failures.join('\n')).toContain(says);
  });
});

describe('a broker that declares something away', () => {
  const reasons = {
    ttl: 'no clock',
    lifetime: 'no session',
    transactions: 'no log',
    compareAndSwap: 'no lock',
    deletePrefix: 'no range',
  };
  const less = {
    write: true,
    ttl: false,
    lifetime: false,
    transactions: false,
    compareAndSwap: false,
    deletePrefix: false,
    reasons,
  };

  /** Over what memory can do, with another declaration. */
  const limited = (declared: BrokerSubject<MemoryStore>['capabilities']): BrokerSubject<MemoryStore> => ({
    ...memory,
    capabilities: less,
    broker: (store, { prefix, codec }) => {
      const bytes = memoryBroker(store);
      const pages = async function* <P>(page: Promise<P>) {
        yield await page;
      };
      const core: CoreBroker = {
        name: 'limited',
        capabilities: declared,
        get: async (key) => {
          const got = await bytes.get(key);
          return got.found ? got : undefined;
        },
        list: (range) => pages(bytes.list(range)),
        listKeys: (range) => pages(bytes.listKeys(range)),
        put: (key, value, options) => bytes.put(key, value, options),
        delete: (key) => bytes.delete(key),
        deletePrefix: (key) => bytes.deletePrefix(key),
        commit: () => bytes.txn().commit(),
        compareAndSwap: (...args) => bytes.compareAndSwap(...args),
        compareAndDelete: (...args) => bytes.compareAndDelete(...args),
        close: () => bytes.close(),
      };
      return brokerFrom(core, { prefix, codec });
    },
  });

  it('is held to refuse it, and the tests of it are declared as skipped, with the reason', async () => {
    const all = await collect((runner) => describeBroker(limited(less), runner));
    expect(all.filter(({ failure }) => failure !== undefined && failure !== 'skipped')).toEqual([]);
    const skipped = all.filter(({ failure }) => failure === 'skipped').map(({ name }) => name);
    expect(skipped).toHaveLength(13);
    for (const reason of Object.values(reasons)) expect(skipped.join('\n')).toContain(`(skipped: ${reason})`);
  });

  it('fails where it does what it declares away', async () => {
    const all = await collect((runner) => describeBroker(limited({ ...less, deletePrefix: true }), runner));
    expect(all.map(({ failure }) => failure).join('\n')).toContain('deletePrefix was not refused');
  });
});
