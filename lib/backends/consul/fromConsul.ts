import type Consul from 'consul';
import { isObservable, tap } from 'rxjs';
import { bytesCodec } from '../../codecs/bytesCodec.ts';
import { cold } from '../../internal/cold.ts';
import type { Codec } from '../../model/codec.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { Source } from '../../model/events.ts';
import { checkOptions } from '../../model/options.ts';
import { checkSourceConfig, type SourceConfig, sourceRules } from '../../source/config.ts';
import type { Backend } from '../../source/frames.ts';
import { Loop } from '../../source/loop.ts';
import { ConsulBackend } from './consulBackend.ts';
import { checkClient, defaultsOf } from './http.ts';
import { checkPrefixes } from './keys.ts';
import { consulRules, type FromConsulConfig, resolveConsulOptions } from './options.ts';

/**
 * The keys of a Consul cluster under some prefixes: a resync with what is there, then what changes.
 *
 * One blocking query per prefix. Each answer shows everything under its prefix at one index, and what differs from the answer
 * before is told as one event, `coalesced`, since states in between may have been skipped; each key with its ModifyIndex as
 * `revision`, the event with a count. After any break, and where the store went back (`regressed`; when a prefix above is deleted it
 * looks as if it had), everything is read anew.
 *
 * - An error, an answer that is cut off, too large or not Consul's is never told as fewer keys.
 * - Keys that still exist and are not listed are hidden from the token: they stay, and the status is `stale` with
 *   `ACCESS_DENIED`; of a large prefix, or a sub-prefix without a query of its own, that is noticed within 30 `wait`s, or with its
 *   next change. No keys at all are told as such only where the token may read there: until it may, a first resync waits. What it
 *   never saw does not exist for it.
 * - What there is, Consul is asked for `consistent`ly: a leader that has just been elected does not know yet what it holds.
 * - Between two questions there is a pause (`every`, and as long as a large answer took), and none is asked while the
 *   consumer has no room: what happens meanwhile is told at once. A large prefix is read only when it has changed.
 *
 * Keys have no slash at the start and none twice in a row. Keys that are not UTF-8 are `rejected`. Of the client it takes
 * address, TLS, agent and defaults (`token`, `dc`); the agent must allow a connection per prefix (Consul allows 200 a client,
 * `http_max_conns_per_client`). A large tree is better watched by several prefixes than by one, or with `split`.
 *
 * Order: per key. Errors: see `fromBackend`, and `ACCESS_DENIED` with `onDenied: 'fail'`. Completion: never.
 * Memory: one entry per key, its value twice, and what waits.
 *
 * @example
 * const client = new Consul({ host: '127.0.0.1', port: 8500 });
 * fromConsul(client, { prefixes: ['nodes/'], codec: jsonCodec<Node>() })
 *   .pipe(bufferDuringResync(), ackWithCallback({ resync, change }))
 *
 * @param client a client of npm `consul`; whoever made it destroys it, after unsubscribing
 * @param config as of every source, and {@link ConsulOptions}; `codec` defaults to `bytesCodec`
 * @returns a cold source: each subscription asks for itself
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function fromConsul(client: Consul, config: FromConsulConfig<Uint8Array>): Source<Uint8Array>;
export function fromConsul<T>(client: Consul, config: FromConsulConfig<T> & { readonly codec: Codec<T> }): Source<T>;
export function fromConsul<T>(client: Consul, config: FromConsulConfig<T>): Source<T> {
  return consulSource(client, config, (backend) => backend);
}

/** As {@link fromConsul}, with something around the backend of each subscription: for tests. */
export function consulSource<T>(
  client: Consul,
  config: FromConsulConfig<T>,
  around: (backend: Backend<never>) => Backend<never>,
): Source<T> {
  checkClient('fromConsul', client);
  checkOptions('fromConsul', config, { ...consulRules, ...sourceRules }, ['prefixes']);
  checkFresh(client);
  const { wait, timeout, every, maxAnswer, split, onShrink, onDenied, ...given } = config;
  checkSourceConfig('fromConsul', given);
  const options = resolveConsulOptions(config);
  const prefixes = isObservable(given.prefixes) ? given.prefixes : [...given.prefixes];
  if (!isObservable(prefixes)) checkPrefixes('fromConsul', prefixes);
  const codec = given.codec ?? (bytesCodec as unknown as Codec<T>);
  let subscriptions = 0;
  return cold((subscriber) => {
    const backend = new ConsulBackend(client, options);
    const source: SourceConfig<T> & { readonly codec: Codec<T> } = {
      ...given,
      ...(given.resyncOn !== undefined && { resyncOn: given.resyncOn.pipe(tap(() => backend.believe())) }),
      prefixes,
      codec,
    };
    new Loop(around(backend), source, subscriber, ++subscriptions).start();
  });
}

/** A server that lags behind would take back what was told, and one that has just started would tell that nothing is there. */
function checkFresh(client: Consul): void {
  if (defaultsOf(client)['stale'] !== true) return;
  const message =
    'fromConsul: the client was made with `defaults: { stale: true }`, by which a snapshot may be old or empty';
  throw new DatasyncError('INVALID_CONFIG', message, { backend: 'consul' });
}
