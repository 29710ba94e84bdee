import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import { onTestFinished } from 'vitest';
import { type Etcd, type EtcdOptions, startEtcd } from '../servers/etcd.ts';

/** A client that repeats nothing, closed with the test. */
export function etcdClient(hosts: string | readonly string[], more: Partial<IOptions> = {}): Etcd3 {
  const client = new Etcd3({
    hosts: hosts as string | string[],
    faultHandling: { host: () => noop, global: noop },
    ...more,
  });
  onTestFinished(() => client.close());
  return client;
}

/** An etcd of the test's own, stopped with it. */
export async function ownEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const etcd = await startEtcd(options);
  onTestFinished(() => etcd.stop());
  return etcd;
}

let prefixes = 0;

/** Keys that nobody else uses, on a server that specs share. */
export function ownPrefix(): string {
  prefixes += 1;
  return `${process.pid}-${Date.now()}-${prefixes}/`;
}
