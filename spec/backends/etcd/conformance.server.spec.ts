import { afterAll, describe, it } from 'vitest';
import { describeSource } from '../../../lib/testing/index.ts';
import { type Etcd, startEtcd } from '../../servers/etcd.ts';
import { needServer } from '../../servers/need.ts';
import { etcdSubject } from '../../support/etcdSubject.ts';
import { recordBackend } from '../../support/recordBackend.ts';

const name = 'etcd-3.4';

describe.runIf(needServer(name))('fromEtcd', () => {
  let server: Promise<Etcd> | undefined;
  const started = (): Promise<Etcd> => {
    server ??= startEtcd({ server: name });
    return server;
  };
  afterAll(async () => (await server)?.stop());

  describeSource(
    { ...etcdSubject('etcd', started), version: needServer(name)?.version ?? '-' },
    { describe, it, report: recordBackend },
  );
});
