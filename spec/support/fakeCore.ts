import type { BrokerCapabilities, CoreBroker } from '../../lib/model/broker.ts';

/** A store that can do everything. */
export const allAbilities: BrokerCapabilities = {
  write: true,
  ttl: true,
  lifetime: true,
  transactions: true,
  compareAndSwap: true,
  deletePrefix: true,
};

/** A store that writes down what it is asked, and answers with what the test puts in. */
export function fakeCore(capabilities: BrokerCapabilities = allAbilities, answers: Partial<CoreBroker> = {}) {
  const calls: unknown[][] = [];
  const noted =
    <R>(method: string, result: R) =>
    (...args: unknown[]) => {
      calls.push([method, ...args]);
      return Promise.resolve(result);
    };
  const core: CoreBroker = {
    name: 'fake',
    capabilities,
    get: noted('get', undefined),
    async *list(range) {
      calls.push(['list', range]);
      yield [];
    },
    async *listKeys(range) {
      calls.push(['listKeys', range]);
      yield [];
    },
    put: noted('put', { revision: 1 }),
    delete: noted('delete', { existed: false }),
    deletePrefix: noted('deletePrefix', { deleted: 0 }),
    commit: noted('commit', {}),
    compareAndSwap: noted('compareAndSwap', { swapped: true }),
    compareAndDelete: noted('compareAndDelete', { deleted: true }),
    close: noted('close', undefined),
    ...answers,
  };
  return { core, calls };
}
