import type { BrokerCapabilities, CoreBroker, KeyRange } from '../../model/broker.ts';

/** Capabilities that are all declared away for one reason. */
export function noWrites(reason: string): BrokerCapabilities {
  return {
    write: false,
    ttl: false,
    lifetime: false,
    transactions: false,
    compareAndSwap: false,
    deletePrefix: false,
    reasons: {
      write: reason,
      ttl: reason,
      lifetime: reason,
      transactions: reason,
      compareAndSwap: reason,
      deletePrefix: reason,
    },
  };
}

/** Stands for a method that is declared away: `brokerFrom` refuses it before. */
export function never(): Promise<never> {
  return Promise.reject(new Error('declared away'));
}

/** Whether a key lies in a range. */
export function isIn(key: string, range: KeyRange): boolean {
  return 'prefix' in range ? key.startsWith(range.prefix) : key >= range.start && key < range.end;
}

/** The writing half of a store that only reads. */
export const cannotWrite: Pick<
  CoreBroker,
  'put' | 'delete' | 'deletePrefix' | 'commit' | 'compareAndSwap' | 'compareAndDelete'
> = { put: never, delete: never, deletePrefix: never, commit: never, compareAndSwap: never, compareAndDelete: never };
