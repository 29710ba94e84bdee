import { concat, defer, merge, mergeMap, type Observable, of, timeout } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { fromAsync } from '../../internal/fromAsync.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { WindowedStore } from '../../source/windowed.ts';
import { type Announcement, arm } from './announcements.ts';
import type { RedisNode } from './client.ts';
import { Link } from './link.ts';
import { listed } from './listing.ts';
import { Reading } from './reading.ts';
import type { ResolvedRedisOptions } from './sourceOptions.ts';
import { stringsOf } from './strings.ts';

/** One connection to one node, as `windowed` takes it: made when it is watched, closed with the watch. */
export function nodeStore(
  client: RedisNode,
  options: ResolvedRedisOptions,
): Pick<WindowedStore, 'watch' | 'list' | 'read'> {
  const link = new Link(client);
  const reading = new Reading(stringsOf(link.call, false), link.call, options);
  const read = (names: readonly string[]) => reading.read(names);
  return {
    watch: ({ prefixes }) => watched(link, prefixes, options, () => link.check()),
    list: ({ prefixes }) => listed(link.call, read, prefixes, options),
    read: (names) => fromAsync(() => read(names)),
  };
}

/**
 * Connects a link, arms it, and from then on says what it hears. It is closed with the subscription.
 *
 * @param check whether it has come to the right server
 */
export function watched(
  link: Link,
  prefixes: readonly string[],
  options: ResolvedRedisOptions,
  check: () => Promise<unknown> = () => Promise.resolve(),
): Observable<'armed' | Announcement> {
  const { probeInterval, timeout: limit } = options;
  return cold((subscriber) => {
    subscriber.add(() => link.close());
    const say = (announcement: Announcement): void => subscriber.next(announcement);
    const armed = fromAsync(async () => {
      await link.connect();
      await check();
      return arm({ link, prefixes, options, say });
    }).pipe(timeout({ first: link.limit + limit, with: () => late }));
    const source = armed.pipe(
      mergeMap((probe) => concat(of('armed' as const), link.probed(probe, probeInterval, limit))),
    );
    subscriber.add(merge(link.over, source).subscribe(subscriber));
  });
}

/** It took longer. */
export const late: Observable<never> = defer(() => {
  throw new DatasyncError('CONNECTION_LOST', 'the server accepted the connection, and did not answer', {
    backend: 'redis',
  });
});
