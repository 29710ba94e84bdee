import { findConfig } from 'rx-datasync/config';
import { createEtcd, type EtcdStore, etcdConfig } from 'rx-datasync/etcd';
import { fromEvent, merge, type Observable, take } from 'rxjs';

/**
 * Works with the etcd that `etcd.conf` (`ETCD_CONFIG`) names, else with that of `ETCD_ENDPOINTS`, and closes it. What goes
 * wrong is printed, and the program ends with 1.
 */
export async function withEtcd(work: (etcd: EtcdStore) => Promise<void>): Promise<void> {
  try {
    const file = findConfig('etcd');
    await using etcd = createEtcd(file === undefined ? {} : await etcdConfig(file));
    await work(etcd);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/** Emits when the program is asked to end: while somebody is subscribed, it has the time to clear up. */
export const stopped: Observable<unknown> = merge(fromEvent(process, 'SIGINT'), fromEvent(process, 'SIGTERM')).pipe(
  take(1),
);
