export { fromConsul } from './fromConsul.ts';
export type { ConsulOptions, FromConsulConfig, ShrinkConfig } from './options.ts';
