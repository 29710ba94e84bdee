export type { Surroundings } from '../backends/internal/flag.ts';
export { findConfig } from './findConfig.ts';
export { type ServiceLabel, type ServiceLabelConfig, serviceLabel } from './serviceLabel.ts';
