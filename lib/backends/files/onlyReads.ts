import type { BrokerCapabilities, KeyRange } from '../../model/broker.ts';

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

/** Whether a key lies in a range. */
export function isIn(key: string, range: KeyRange): boolean {
  return 'prefix' in range ? key.startsWith(range.prefix) : key >= range.start && key < range.end;
}
