import { afterAll, describe, expect, it } from 'vitest';
import { etcdBackend } from '../../../lib/backends/etcd/etcdBackend.ts';
import { listEtcd, watchEtcd } from '../../../lib/backends/etcd/halves.ts';
import { jsonCodec } from '../../../lib/index.ts';
import { needShared, shared } from '../../servers/shared.ts';
import { broken, type Racing, violationsWithout } from '../../support/decorative.ts';
import { plainClient, transact } from '../../support/etcdSubject.ts';

const codec = jsonCodec<number>();
let runs = 0;
const clients: ReturnType<typeof plainClient>[] = [];
afterAll(() => {
  for (const client of clients) client.close();
});

async function racing(): Promise<Racing> {
  const client = plainClient([...(await shared('etcd-3.4')).endpoints]);
  clients.push(client);
  runs += 1;
  const prefix = `decorative-${process.pid}-${runs}/`;
  const config = { prefixes: [prefix], codec };
  return {
    prefix,
    list: () => listEtcd(client, config),
    watch: () => watchEtcd(client, config),
    write: (key, value) =>
      transact(client, [
        value === undefined ? { op: 'delete', key } : { op: 'put', key, value: codec.encode(value, key) },
      ]),
    capabilities: etcdBackend(client).capabilities,
  };
}

describe.runIf(needShared('etcd-3.4'))('no operator is decorative: over a list and a watch of etcd that race', () => {
  it('with all of them every promise is kept', async () => {
    expect(await violationsWithout('nothing', await racing())).toEqual([]);
  });

  it.each(broken)('without %s %j break', async (dropped, promises) => {
    expect(await violationsWithout(dropped, await racing())).toEqual(expect.arrayContaining([...promises]));
  });
});
