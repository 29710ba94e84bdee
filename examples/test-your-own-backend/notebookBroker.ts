import {
  type Broker,
  type BrokerCapabilities,
  brokerFrom,
  type Codec,
  type CoreBroker,
  type KeyRange,
} from 'rx-datasync';
import type { Entry, Notebook } from './notebook.ts';

/** What a notebook cannot do has a reason, and no method below. */
export const capabilities: BrokerCapabilities = {
  write: true,
  ttl: false,
  lifetime: false,
  transactions: true,
  compareAndSwap: false,
  deletePrefix: false,
  reasons: {
    ttl: 'what is written in a notebook stays',
    lifetime: 'what is written in a notebook stays',
    compareAndSwap: 'two may write at once',
    deletePrefix: 'a notebook is not searched',
  },
};

/** The writing half. */
export function notebookBroker<T>(notebook: Notebook, made: { prefix: string; codec: Codec<T> }): Broker<T> {
  const under = async (range: KeyRange): Promise<[string, Entry][]> => {
    const isIn = (key: string): boolean =>
      'prefix' in range ? key.startsWith(range.prefix) : key >= range.start && key < range.end;
    const { entries } = await notebook.list();
    return [...entries].filter(([key]) => isIn(key)).sort(([a], [b]) => (a < b ? -1 : 1));
  };
  const core: CoreBroker = {
    name: 'notebook',
    capabilities,
    get: async (key) => {
      const entry = (await notebook.list()).entries.get(key);
      return entry === undefined ? undefined : { key, ...entry };
    },
    async *list(range) {
      yield (await under(range)).map(([key, entry]) => ({ key, ...entry }));
    },
    async *listKeys(range) {
      yield (await under(range)).map(([key]) => key);
    },
    put: (key, value) => Promise.resolve({ revision: notebook.write(new Map([[key, value]])) }),
    delete: async (key) => {
      const existed = (await notebook.list()).entries.has(key);
      return existed ? { existed, revision: notebook.write(new Map([[key, undefined]])) } : { existed };
    },
    commit: async (writes) => {
      const { entries } = await notebook.list();
      // A delete of what is not there is no line.
      const real = writes.filter(({ op, key }) => op === 'put' || entries.has(key));
      if (real.length === 0) return {};
      const values = real.map((write) => [write.key, write.op === 'put' ? write.value : undefined] as const);
      return { revision: notebook.write(new Map(values)) };
    },
    close: () => Promise.resolve(),
  };
  return brokerFrom(core, made);
}
