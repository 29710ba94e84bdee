import { isObservable } from 'rxjs';
import { bytesCodec } from '../codecs/bytesCodec.ts';
import { cold } from '../internal/cold.ts';
import type { Codec } from '../model/codec.ts';
import { DatasyncError } from '../model/errors.ts';
import type { Source } from '../model/events.ts';
import { checkOptions, isObject, type Rules, withMethods } from '../model/options.ts';
import { checkSourceConfig, type SourceConfig } from './config.ts';
import type { Backend } from './frames.ts';
import { Loop } from './loop.ts';

const what = 'a backend: { name, capabilities, open }';
const backendRule: Rules = {
  backend: [(value) => withMethods(what, 'open')[0](value) && isObject((value as Backend).capabilities), what],
};

/**
 * A store of your own as a cold Observable of resync-then-change events. All sources are made by it: a backend only says
 * how to list and how to watch, mostly through {@link pinned}, {@link windowed} or {@link diffed}.
 *
 * What every source promises, whatever the store does:
 *
 * - the first event is a resync; each subscription has its own, and its own acks;
 * - a change is told with its previous value, after the resync that precedes it, in order, all keys of one revision at once;
 * - after any break the stream goes on where continuity is proven, else with a resync: nothing is lost or told twice;
 * - an error of the store is never told as an empty or smaller state;
 * - a value that cannot be decoded is `rejected`, and its last good value stays;
 * - at most `delivery.inFlight` change events are unsettled; what comes meanwhile waits, first exactly, then per key;
 * - a backend that breaks its contract is answered by dropping what was sent twice or late, and otherwise by a resync
 *   with `reason: 'inconsistent'`.
 *
 * Errors: a `DatasyncError`, once, when this subscription is over: `INVALID_CONFIG`, `RETRY_EXHAUSTED`, `OVERFLOW`, `FATAL`.
 * Completion: never. Memory: one entry per key, and what waits.
 *
 * @example
 * fromBackend(pinned({ list, watch }), { prefixes: ['/nodes/'], codec: jsonCodec<Node>() })
 *
 * @param backend how to list and to watch
 * @param config see {@link SourceConfig}; `codec` defaults to `bytesCodec`
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function fromBackend<P = unknown>(backend: Backend<P>, config: SourceConfig<Uint8Array>): Source<Uint8Array>;
export function fromBackend<T, P = unknown>(
  backend: Backend<P>,
  config: SourceConfig<T> & { readonly codec: Codec<T> },
): Source<T>;
export function fromBackend<T, P>(backend: Backend<P>, config: SourceConfig<T>): Source<T> {
  checkOptions('fromBackend', { backend }, backendRule, ['backend']);
  checkSourceConfig('fromBackend', config);
  if (config.delivery?.overflow === 'pause' && backend.canPause !== true) {
    const message = `fromBackend: 'delivery.overflow' must not be 'pause': the backend '${backend.name}' cannot wait`;
    throw new DatasyncError('INVALID_CONFIG', message);
  }
  const prefixes = isObservable(config.prefixes) ? config.prefixes : [...config.prefixes];
  const complete = { ...config, prefixes, codec: config.codec ?? (bytesCodec as unknown as Codec<T>) };
  let subscriptions = 0;
  return cold((subscriber) => new Loop(backend, complete, subscriber, ++subscriptions).start());
}
