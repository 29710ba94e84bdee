import { oneOf, type Rules, rule } from '../../model/options.ts';
import type { SourceConfig } from '../../source/config.ts';
import type { KeyEncoding } from './keys.ts';

/** What the etcd backend takes. */
export interface EtcdOptions {
  /**
   * How keys are texts. With `utf8` a key that is not UTF-8 is `rejected`, each of its foreign bytes shown as the surrogate
   * U+DC00 + byte; `latin1` holds every key, a character per byte. Default: `utf8`.
   */
  readonly keyEncoding?: KeyEncoding;
  /**
   * With several prefixes. `span`: one watch from the first of them to the last; what lies between them comes too, and is left
   * out here. `each`: a watch per prefix. Nothing in between crosses the network, and permission for the prefixes alone will do;
   * but a change waits for a round trip, so that transactions stay whole, and the server must be 3.4.25, 3.5.8 or newer: with an
   * older one the subscription ends with `FATAL`. Default: `span`, and `each` where that is denied.
   */
  readonly watch?: 'span' | 'each';
  /**
   * Milliseconds between two small reads on each connection. They find out that there is no leader, that the token has run out,
   * that a permission is gone, or that nothing comes through any more. Default: 5,000.
   */
  readonly probeInterval?: number;
  /**
   * Milliseconds after which such a read counts as failed, and so does a watch that was asked then how far it is and says nothing.
   * Of an answer that is still arriving nothing is seen: a message that takes longer has the next watch from there wait twice as
   * long for it, and so on. Default: 5,000.
   */
  readonly timeout?: number;
  /**
   * What follows when etcd refuses the password, or the permission to read a prefix. `fail`: the subscription ends with
   * `ACCESS_DENIED`. `retry`: it is tried again, as after any other failure, and the status is `stale`. Default: `fail`.
   */
  readonly onDenied?: 'fail' | 'retry';
}

/** Configuration of {@link fromEtcd}. */
export interface FromEtcdConfig<T> extends SourceConfig<T>, EtcdOptions {}

/** {@link EtcdOptions} with the defaults. */
export type ResolvedEtcdOptions = Required<EtcdOptions>;

/** The table of {@link EtcdOptions}. */
export const etcdRules: Rules = {
  keyEncoding: oneOf('utf8', 'latin1'),
  probeInterval: [
    (value) => rule.milliseconds[0](value) && (value as number) >= 10,
    'a number of milliseconds, 10 or more',
  ],
  timeout: rule.milliseconds,
  onDenied: oneOf('fail', 'retry'),
  watch: oneOf('span', 'each'),
};

export function resolveEtcdOptions(options: EtcdOptions): ResolvedEtcdOptions {
  const { keyEncoding = 'utf8', probeInterval = 5_000, timeout = 5_000, onDenied = 'fail', watch = 'span' } = options;
  return { keyEncoding, probeInterval, timeout, onDenied, watch };
}
