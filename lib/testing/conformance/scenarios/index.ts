import type { Scenario } from '../scenario.ts';
import { breaks } from './breaks.ts';
import { changes } from './changes.ts';
import { consumers } from './consumers.ts';
import { failures } from './failures.ts';
import { frames } from './frames.ts';
import { lifecycle } from './lifecycle.ts';
import { snapshots } from './snapshots.ts';
import { stores } from './stores.ts';
import { values } from './values.ts';

/** All that a source is held to. */
export const scenarios: readonly Scenario[] = [
  ...snapshots,
  ...changes,
  ...values,
  ...consumers,
  ...failures,
  ...breaks,
  ...frames,
  ...stores,
  ...lifecycle,
];
