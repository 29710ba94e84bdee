import { afterAll, describe, it } from 'vitest';
import { bufferDuringResync, filterByRevision, trackPrevious } from '../../../lib/index.ts';
import { describeSource, type SourceSubject } from '../../../lib/testing/index.ts';
import { type Etcd, newerLine, startEtcd } from '../../servers/etcd.ts';
import { needServer } from '../../servers/need.ts';
import { type EtcdStore, etcdSubject, handMadeEtcd } from '../../support/etcdSubject.ts';
import { acks } from '../../support/pipelines.ts';
import { recordBackend } from '../../support/recordBackend.ts';

const four: NonNullable<SourceSubject<EtcdStore>['pipeline']> = (source, stage) =>
  source.pipe(
    stage.history.tap('source', stage.place),
    bufferDuringResync(),
    filterByRevision(),
    trackPrevious(),
    stage.history.tap('buffered'),
    acks(stage),
  );

for (const name of ['etcd-3.4', newerLine] as const) {
  const found = needServer(name);
  describe.runIf(found)(name, () => {
    const version = found?.version ?? '-';
    let server: Promise<Etcd> | undefined;
    const started = (): Promise<Etcd> => {
      server ??= startEtcd({ server: name });
      return server;
    };
    afterAll(async () => (await server)?.stop());

    const subject = etcdSubject('etcd', started);
    const subjects = [
      subject,
      { ...subject, name: 'etcd, four operators', pipeline: four },
      handMadeEtcd(started),
    ] satisfies SourceSubject<EtcdStore>[];
    for (const each of subjects) describeSource({ ...each, version }, { describe, it, report: recordBackend });
  });
}
