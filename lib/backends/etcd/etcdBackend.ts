import type { Etcd3 } from 'etcd3';
import { cold } from '../../internal/cold.ts';
import { messageOf } from '../../model/errors.ts';
import { checkArgument, checkOptions } from '../../model/options.ts';
import { type Backend, FatalError, type Frame } from '../../source/frames.ts';
import { pinned } from '../../source/pinned.ts';
import { Access, isEtcdClient } from './access.ts';
import { EtcdConnection, firstLook } from './connection.ts';
import { failure } from './failures.ts';
import { checkKeyPrefixes } from './keys.ts';
import { Patience } from './patience.ts';
import type { EtcdPosition } from './position.ts';
import { type EtcdOptions, etcdRules, resolveEtcdOptions } from './sourceOptions.ts';

/**
 * An etcd cluster, as the loop sees it: listed at one revision, watched from the next.
 *
 * Of the client it takes the servers, the credentials and the options; the calls are its own. The client must not be closed
 * before its sources are unsubscribed.
 *
 * @param client a client of npm `etcd3`, no namespace of one
 * @param options see {@link EtcdOptions}
 * @returns a backend for `fromBackend`
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function etcdBackend(client: Etcd3, options: EtcdOptions = {}): Backend<EtcdPosition> {
  checkClient('etcdBackend', client);
  checkOptions('etcdBackend', options, etcdRules);
  const resolved = resolveEtcdOptions(options);
  const { probeInterval, timeout, onDenied } = resolved;
  const access = new Access(client);
  const patience = new Patience(timeout);
  const name = 'etcd';
  const backend = (connection: Pick<EtcdConnection, 'list' | 'watch'>): Backend<EtcdPosition> =>
    pinned<EtcdPosition>({
      name,
      capabilities: { progress: 'native' },
      list: connection.list,
      watch: connection.watch,
    });
  const unopened = new EtcdConnection(undefined as never, undefined as never, resolved, patience);
  return {
    ...backend(unopened),
    canPause: true,
    // Two looks may fall through before it is given up.
    maxSilence: firstLook + 2 * probeInterval + timeout,
    open: (context) =>
      cold<Frame<EtcdPosition>>((subscriber) => {
        // Those of an Observable.
        try {
          checkKeyPrefixes('etcdBackend', context.prefixes, resolved.keyEncoding);
        } catch (cause) {
          return subscriber.error(new FatalError(messageOf(cause), { cause }));
        }
        const link = access.connect(timeout);
        subscriber.add(() => link.close());
        const connection = new EtcdConnection(link, context, resolved, patience);
        const failed = (error: unknown): void => {
          const isResumed = context.from !== undefined || connection.hasListed;
          subscriber.error(failure(error, isResumed, onDenied === 'retry'));
        };
        subscriber.add(
          connection.looks().subscribe({ next: () => subscriber.next({ type: 'progress' }), error: failed }),
        );
        subscriber.add(
          backend(connection)
            .open(context)
            .subscribe({ next: (frame) => subscriber.next(frame), error: failed }),
        );
      }),
  };
}

/** @throws DatasyncError `INVALID_CONFIG` */
export function checkClient(where: string, client: Etcd3): void {
  checkArgument(where, 'client', client, [
    isEtcdClient,
    "a client of npm 'etcd3' (not a namespace of it: use prefixes)",
  ]);
}
