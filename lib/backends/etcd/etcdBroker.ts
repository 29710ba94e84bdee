import type { Etcd3 } from 'etcd3';
import { catchError, EMPTY, exhaustMap, from, type Observable, timer } from 'rxjs';
import { brokerFrom } from '../../broker/brokerFrom.ts';
import { brokerRules, checkKey } from '../../broker/checks.ts';
import { bytesCodec } from '../../codecs/bytesCodec.ts';
import type { Broker, CoreBroker } from '../../model/broker.ts';
import type { Codec } from '../../model/codec.ts';
import { encode } from '../../model/coding.ts';
import { DatasyncError } from '../../model/errors.ts';
import { checkArgument, checkOptions, oneOf, type Rules, rule } from '../../model/options.ts';
import { Access, isEtcdClient } from './access.ts';
import { Calls } from './calls.ts';
import { campaign, type Leadership } from './campaign.ts';
import { EtcdCore } from './etcdCore.ts';
import type { KeyEncoding } from './keys.ts';
import { Answer, compactRequest, oneKey, rangeRequest } from './messages.ts';

/** Configuration of {@link etcdBroker}. */
export interface EtcdBrokerConfig<T> {
  /** Put before every key: a raw string prefix. @defaultValue `''` */
  readonly prefix?: string;
  /** @defaultValue `bytesCodec` */
  readonly codec?: Codec<T>;
  /** Milliseconds for one request, with all its attempts. @defaultValue 5,000 */
  readonly timeout?: number;
  /** Milliseconds, rounded up to seconds, after which etcd gives up on this program. @defaultValue 5,000 */
  readonly sessionTtl?: number;
  /** How keys are bytes. @defaultValue `'utf8'` */
  readonly keyEncoding?: KeyEncoding;
  /** Writes in one transaction: the server's `--max-txn-ops`. @defaultValue 128 */
  readonly maxTxnOps?: number;
  /** Bytes of one request: the server's `--max-request-bytes`. @defaultValue 1,572,864 */
  readonly maxRequestBytes?: number;
  /** Milliseconds: everything that is older is compacted away, as often. @defaultValue never */
  readonly autoCompact?: number;
}

/** Reads and writes etcd. */
export interface EtcdBroker<T> extends Broker<T> {
  /** The store's revision now. */
  revision(): Promise<number>;
  /**
   * The store as it was: what it reads is of that revision, and it writes nothing (`UNSUPPORTED`). Rejects with
   * `NO_SUCH_REVISION` when it is read, where the revision is compacted or has not happened yet.
   */
  at(revision: number): Broker<T>;
  /** Throws the history before a revision away, for all clients. Default: before the one of now. @returns the revision */
  compact(revision?: number): Promise<number>;
  /** 1, 2, 3 … for the whole cluster: nobody gets a number twice. The key is there for this alone. */
  sequence(key: string): Promise<number>;
  /**
   * Stands for election under a key of the broker for as long as it is subscribed, and resigns when it is not. Emits when it
   * leads, and when it no longer does because its lease was lost, or somebody has deleted its key; then it stands again. By its
   * own clock: a leader that cannot reach etcd says so before etcd lets another one lead. Of its key it hears as soon as the
   * news comes: for that moment another one may lead beside it. Writes that only the leader may do need the key as their
   * condition.
   *
   * Errors: `ACCESS_DENIED`, `FATAL`. Completion: never.
   *
   * @example
   * broker.campaign('leader').pipe(switchMap(({ leads }) => (leads ? work : EMPTY)))
   *
   * @param name the candidates' keys are under it and a slash
   * @param value what the others find there; default: nothing
   */
  campaign(name: string, value?: T): Observable<Leadership>;
  under(prefix: string): EtcdBroker<T>;
}

const milliseconds = rule.milliseconds;
const positiveTime: Rules[string] = [
  (value) => milliseconds[0](value) && value !== 0,
  'a number of milliseconds, more than 0 and at most 2,147,483,647',
];

const rules: Rules = {
  ...brokerRules,
  timeout: positiveTime,
  sessionTtl: positiveTime,
  keyEncoding: oneOf('utf8', 'latin1'),
  maxTxnOps: rule.positive,
  maxRequestBytes: rule.positive,
  autoCompact: positiveTime,
};

/**
 * A broker for etcd, over the servers and credentials of an etcd3 client, with calls of its own.
 *
 * A read is tried again, on one server after the other, until `timeout`. A write is tried again only where it is sure that no
 * server has begun with it: where the answer is missing it rejects with `OUTCOME_UNKNOWN`, and nothing is written twice.
 * Values are kept byte for byte; a `ttl` is rounded up to whole seconds, and to the shortest the server grants, which the
 * result then says.
 *
 * A key with `lifetime: 'client'` hangs on one lease of this broker. After an outage that was longer than `sessionTtl` the
 * broker goes on with that lease if etcd still knows it, as it does after a restart: what others wrote or deleted stays as it
 * is. Did the lease end, its keys are put again on another one, except those that are there because somebody else has written
 * them since. A key that somebody else deleted before the lease ended comes back then too: etcd does not tell whether a key
 * was deleted or ended with its lease. A key that this broker has deleted stays deleted.
 * What was written with an unknown outcome is read back in the background, which decides whether it comes back. Where etcd
 * refuses the lease, it is asked again after half a second, then twice as late each time, every 30 seconds in the end.
 *
 * Errors: `OUTCOME_UNKNOWN`, `CONNECTION_LOST` (nothing was done), `ACCESS_DENIED`, `TOO_LARGE` (before anything is sent,
 * where the limits are known), `NO_SUCH_REVISION`, `INVALID_KEY`, `REFUSED`; see {@link brokerFrom}.
 *
 * @example
 * const broker = etcdBroker(client, { prefix: '/nodes/', codec: jsonCodec<Node>() });
 * await broker.txn().put('a', one).delete('b').commit();
 *
 * @param client a client of npm `etcd3`; it stays open, whoever closes the broker
 * @param config see {@link EtcdBrokerConfig}
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function etcdBroker(client: Etcd3, config?: EtcdBrokerConfig<Uint8Array>): EtcdBroker<Uint8Array>;
export function etcdBroker<T>(client: Etcd3, config: EtcdBrokerConfig<T> & { readonly codec: Codec<T> }): EtcdBroker<T>;
export function etcdBroker<T>(client: Etcd3, config: EtcdBrokerConfig<T> = {}): EtcdBroker<T> {
  checkArgument('etcdBroker', 'client', client, [isEtcdClient, 'a client of etcd3, not a namespace of one']);
  checkOptions('etcdBroker', config, rules);
  const { prefix = '', timeout = 5_000, autoCompact, sessionTtl = 5_000, keyEncoding = 'utf8' } = config;
  const { maxTxnOps = 128, maxRequestBytes = 1_572_864 } = config;
  const calls = new Calls(new Access(client), timeout);
  const core = new EtcdCore(calls, { keyEncoding, sessionTtl, maxTxnOps, maxRequestBytes });
  if (autoCompact !== undefined) core.background.add(compactEvery(calls, autoCompact).subscribe());
  const codec = config.codec ?? (bytesCodec as unknown as Codec<T>);
  return special(brokerFrom(core, { prefix, codec }), core, prefix, { codec, sessionTtl });
}

interface SpecialOptions<T> {
  readonly codec: Codec<T>;
  readonly sessionTtl: number;
}

/** Gives a broker what only etcd can do. */
function special<T>(broker: Broker<T>, core: EtcdCore, prefix: string, options: SpecialOptions<T>): EtcdBroker<T> {
  const { codec, sessionTtl } = options;
  const under = broker.under.bind(broker);
  return Object.assign(broker, {
    revision: () => currentRevision(core.calls),
    at: (revision: number) => {
      checkArgument('at', 'revision', revision, rule.positive);
      return brokerFrom(pastOf(core, revision), { prefix, codec });
    },
    compact: async (revision?: number) => {
      if (revision !== undefined) checkArgument('compact', 'revision', revision, rule.positive);
      const before = revision ?? (await currentRevision(core.calls));
      await compact(core.calls, before);
      return before;
    },
    sequence: (key: string) => {
      checkKey(key, core.name);
      return core.sequence(prefix + key);
    },
    campaign: (name: string, value?: T) => {
      checkKey(name, core.name);
      const whole = prefix + name;
      const bytes = value === undefined ? new Uint8Array() : encode(codec, value, whole, core.name);
      return campaign(core.calls, whole, { value: bytes, ttl: sessionTtl });
    },
    under: (more: string) => special(under(more), core, prefix + more, options),
  });
}

/** A store that reads at one revision. */
function pastOf(core: EtcdCore, revision: number): CoreBroker {
  const reason = 'the store as it was is only read';
  const refused = () => Promise.reject(new DatasyncError('UNSUPPORTED', reason, { backend: core.name }));
  return {
    name: core.name,
    capabilities: {
      ...{ write: false, ttl: false, lifetime: false, transactions: false, compareAndSwap: false, deletePrefix: false },
      reasons: { write: reason, compareAndSwap: reason },
    },
    get: (key) => core.get(key, revision),
    list: (range) => core.list(range, revision),
    listKeys: (range) => core.listKeys(range, revision),
    ...{ put: refused, delete: refused, deletePrefix: refused, commit: refused },
    ...{ compareAndSwap: refused, compareAndDelete: refused },
    close: () => Promise.resolve(),
  };
}

async function currentRevision(calls: Calls): Promise<number> {
  // The smallest question there is; its header has the answer.
  const request = rangeRequest(oneKey(Uint8Array.of(0)), { limit: 1, keysOnly: true });
  return new Answer(await calls.read('KV', 'Range', request, { what: 'the revision' })).revision;
}

async function compact(calls: Calls, revision: number): Promise<void> {
  // Done twice, the second is refused as `NO_SUCH_REVISION`.
  await calls.write('KV', 'Compact', compactRequest(revision), { what: `compaction to revision ${revision}` });
}

/** Each time to where the store stood one period before. What fails is due again one period later. */
function compactEvery(calls: Calls, period: number): Observable<unknown> {
  let before = 0;
  const turn = async (): Promise<void> => {
    const now = await currentRevision(calls);
    if (before > 0 && before < now) await compact(calls, before);
    before = now;
  };
  return timer(0, period).pipe(exhaustMap(() => from(turn()).pipe(catchError(() => EMPTY))));
}
