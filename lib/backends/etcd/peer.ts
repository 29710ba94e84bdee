import { createRequire } from 'node:module';
import { requirePeer } from '../internal/requirePeer.ts';
import type { Grpc } from './grpc.ts';

const require = createRequire(import.meta.url);

/** Of etcd3, when it is first needed: whoever passes a client in has it already. @throws DatasyncError `MISSING_PEER` */
export function loadEtcd3(): typeof import('etcd3') {
  return load(() => require('etcd3') as typeof import('etcd3'));
}

let grpc: Grpc | undefined;

/** The grpc-js of etcd3 itself: another copy would refuse its credentials. @throws DatasyncError `MISSING_PEER` */
export function loadGrpc(): Grpc {
  grpc ??= load(() => createRequire(require.resolve('etcd3'))('@grpc/grpc-js') as Grpc);
  return grpc;
}

function load<M>(from: () => M): M {
  return requirePeer('etcd', 'etcd3@1', from);
}
