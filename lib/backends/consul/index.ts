export { type ConsulBrokerConfig, consulBroker } from './consulBroker.ts';
export { fromConsul } from './fromConsul.ts';
export type { ConsulOptions, FromConsulConfig, ShrinkConfig } from './options.ts';
