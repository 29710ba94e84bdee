export type { SeedInput } from '../internal/loadSeedConfig.ts';
export { type ConsulBrokerConfig, consulBroker } from './consulBroker.ts';
export { consulConfig } from './consulConfig.ts';
export { type ConsulConfig, type ConsulStore, createConsul } from './createConsul.ts';
export { fromConsul } from './fromConsul.ts';
export type { ConsulOptions, FromConsulConfig, ShrinkConfig, SplitConfig } from './options.ts';
