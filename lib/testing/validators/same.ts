export { same } from '../../internal/same.ts';
