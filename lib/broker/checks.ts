import type { BrokerCapabilities, CoreBroker, KeyRange, PutOptions } from '../model/broker.ts';
import { DatasyncError } from '../model/errors.ts';
import { checkOptions, isObject, type Leaf, oneOf, type Rules, rule, withMethods } from '../model/options.ts';

type Capability = Exclude<keyof BrokerCapabilities, 'reasons'>;

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

/** As it is called: only what its capabilities promise. */
export type CompleteCore = Required<CoreBroker>;

/** What each promise of a store needs. */
const promised: Readonly<Record<Capability, readonly (keyof CoreBroker)[]>> = {
  write: ['put', 'delete'],
  ttl: [],
  lifetime: [],
  transactions: ['commit'],
  compareAndSwap: ['compareAndSwap', 'compareAndDelete'],
  deletePrefix: ['deletePrefix'],
};

/** @throws DatasyncError `INVALID_CONFIG` where a method is missing that is not declared away */
export function checkCore(core: CoreBroker): asserts core is CompleteCore {
  const { capabilities } = core;
  // Where nothing can be written, nothing else is asked of it.
  const kept = capabilities.write ? (Object.keys(promised) as Capability[]).filter((one) => capabilities[one]) : [];
  for (const capability of kept) {
    const missing = promised[capability].find((method) => typeof core[method] !== 'function');
    if (missing === undefined) continue;
    const message = `brokerFrom: 'core' has no method '${missing}'; capabilities.${capability} must be false then, with a reason`;
    throw new DatasyncError('INVALID_CONFIG', message, { backend: core.name });
  }
}

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
  ...needed: readonly Capability[]
): void {
  for (const capability of needed) {
    if (capabilities[capability]) continue;
    const reason = capabilities.reasons?.[capability];
    throw new DatasyncError('UNSUPPORTED', `${what}: ${reason ?? 'this store cannot do it'}`, { backend: name });
  }
}
