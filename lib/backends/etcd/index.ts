export type { Leadership } from './campaign.ts';
export { etcdBackend } from './etcdBackend.ts';
export { type EtcdBroker, type EtcdBrokerConfig, etcdBroker } from './etcdBroker.ts';
export { fromEtcd } from './fromEtcd.ts';
export type { KeyEncoding } from './keys.ts';
export type { EtcdPosition, Witness } from './position.ts';
export type { EtcdOptions, FromEtcdConfig } from './sourceOptions.ts';
