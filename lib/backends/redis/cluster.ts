import { defer, map, merge, type Observable, timeout } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { attach } from '../../internal/connect.ts';
import { fromAsync } from '../../internal/fromAsync.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { WindowedStore } from '../../source/windowed.ts';
import type { Announcement } from './announcements.ts';
import {
  connected,
  connectLimit,
  endCluster,
  nameOf,
  ownCluster,
  type RedisCluster,
  type RedisNode,
  send,
} from './client.ts';
import { Link } from './link.ts';
import { listed } from './listing.ts';
import { late, watched } from './node.ts';
import type { RedisCall } from './readers.ts';
import { Reading } from './reading.ts';
import type { ResolvedRedisOptions } from './sourceOptions.ts';
import { stringsOf } from './strings.ts';

/**
 * One connection to a cluster, as `windowed` takes it: a link to each master, which says what was touched there, and a
 * client that knows where each key lies now. As soon as there are other masters, it is over, and the next one begins anew.
 */
export function clusterStore(
  client: RedisCluster,
  options: ResolvedRedisOptions,
): Pick<WindowedStore, 'watch' | 'list' | 'read'> {
  const cluster = client.duplicate([], ownCluster(client));
  const limit = connectLimit(client) + options.timeout;
  const links: Link[] = [];
  // A key that is on its way from one master to another is announced by both, and read where it lies.
  const call: RedisCall = (command, ...args) => send(cluster, command, args);
  const reading = new Reading(stringsOf(call, true), call, options);
  const read = (names: readonly string[]) => reading.read(names);

  return {
    watch: ({ prefixes }) =>
      cold((subscriber) => {
        subscriber.add(() => endCluster(cluster));
        const fail = (error: unknown): void => subscriber.error(error);
        const lost = (message: string): void =>
          fail(new DatasyncError('CONNECTION_LOST', message, { backend: 'redis' }));
        const open = fromAsync(() => connected(cluster)).pipe(timeout({ first: limit, with: () => late }));
        attach(subscriber, open, {
          next: () => {
            const masters = cluster.nodes('master');
            const known = namesOf(masters);
            cluster.on('refresh', () => {
              if (namesOf(cluster.nodes('master')) !== known) lost('the cluster has other masters now');
            });
            cluster.on('end', () => lost('the cluster cannot be reached'));
            links.push(...masters.map((master) => new Link(master)));
            attach(subscriber, together(links, prefixes, options), {
              next: (message) => subscriber.next(message),
              error: fail,
              complete: () => lost('the connection was closed'),
            });
          },
          error: fail,
          complete: () => undefined,
        });
      }),
    list: ({ prefixes }) => defer(() => merge(...links.map((link) => listed(link.call, read, prefixes, options)))),
    read: (names) => fromAsync(() => read(names)),
  };
}

/** Armed when all of them are. */
function together(
  links: readonly Link[],
  prefixes: readonly string[],
  options: ResolvedRedisOptions,
): Observable<'armed' | Announcement> {
  return defer(() => {
    let left = links.length;
    return merge(...links.map((link) => watched(link, prefixes, options))).pipe(
      map((message): 'armed' | Announcement => {
        if (message !== 'armed' || --left === 0) return message;
        return { touched: [] };
      }),
    );
  });
}

function namesOf(nodes: readonly RedisNode[]): string {
  return nodes.map(nameOf).sort().join();
}
