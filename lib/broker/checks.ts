import type { BrokerCapabilities, CoreBroker, KeyRange, PutOptions } from '../model/broker.ts';
import { DatasyncError } from '../model/errors.ts';
import { checkOptions, isObject, type Leaf, oneOf, type Rules, rule, withMethods } from '../model/options.ts';

/** The table of `PutOptions`. A time to live of nothing would be a delete. */
export const putRules: Rules = {
  ttl: [
    (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
    'a number of milliseconds, more than 0',
  ],
  lifetime: oneOf('client'),
};

/** The table of `CommitOptions`. */
export const commitRules: Rules = { timeout: rule.milliseconds };

/** The table of what every broker is made with. */
export const brokerRules: Rules = {
  prefix: rule.anyText,
  codec: withMethods('a codec: { name, decode, encode }', 'decode', 'encode'),
};

/** Its capabilities say which of the other methods it needs. */
export const coreRule: Leaf = [
  (value) =>
    withMethods('', 'get', 'list', 'listKeys', 'close')[0](value) && isObject((value as CoreBroker).capabilities),
  'a store: { name, capabilities, get, list … }',
];

/** @throws DatasyncError `INVALID_CONFIG` */
export function checkPut(where: string, options: PutOptions): void {
  checkOptions(where, options, putRules);
  if (options.ttl === undefined || options.lifetime === undefined) return;
  throw new DatasyncError('INVALID_CONFIG', `${where}: 'ttl' and 'lifetime' exclude each other`);
}

/** @throws DatasyncError `INVALID_CONFIG` */
export function checkRange(where: string, range: KeyRange): void {
  checkOptions(where, range, { prefix: rule.anyText, start: rule.anyText, end: rule.anyText });
  const given = ['prefix', 'start', 'end'].filter((name) => (range as Record<string, unknown>)[name] !== undefined);
  if (given.join() === 'prefix' || given.join() === 'start,end') return;
  throw new DatasyncError('INVALID_CONFIG', `${where}: expected { prefix }, or { start, end }`);
}

/** @throws DatasyncError `INVALID_KEY` */
export function checkKey(key: unknown, backend: string): void {
  if (typeof key === 'string') return;
  throw new DatasyncError('INVALID_KEY', `a key must be a text, not ${key === null ? 'null' : typeof key}`, {
    backend,
  });
}

/** @throws DatasyncError `UNSUPPORTED`, with the reason the store gives */
export function checkSupport(
  what: string,
  { name, capabilities }: { readonly name: string; readonly capabilities: BrokerCapabilities },
  ...needed: readonly (keyof BrokerCapabilities &
    ('write' | 'ttl' | 'lifetime' | 'transactions' | 'compareAndSwap' | 'deletePrefix'))[]
): void {
  for (const capability of needed) {
    if (capabilities[capability]) continue;
    const reason = capabilities.reasons?.[capability];
    throw new DatasyncError('UNSUPPORTED', `${what}: ${reason ?? 'this store cannot do it'}`, { backend: name });
  }
}
