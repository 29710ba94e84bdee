import type { ResyncReason } from '../model/values.ts';

/** Of several reasons for one resync the strongest is told. */
const strength: readonly ResyncReason[] = [
  'nacked',
  'requested',
  'prefixes',
  'reconnected',
  'compacted',
  'inconsistent',
  'regressed',
  'initial',
];

/** The strongest of two reasons. */
export function strongest(a: ResyncReason | undefined, b: ResyncReason): ResyncReason {
  return a !== undefined && strength.indexOf(a) > strength.indexOf(b) ? a : b;
}
