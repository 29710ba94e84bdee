import { breaks } from './breaks.ts';
import { cnInfra } from './cnInfra.ts';
import { concurrent } from './concurrent.ts';
import { consumers } from './consumers.ts';
import { parts } from './parts.ts';
import { peers } from './peers.ts';
import type { KnownBad } from './play.ts';
import { trial } from './trial.ts';

/** Every adapter that is broken on purpose. */
export const knownBad: readonly KnownBad[] = [
  ...cnInfra,
  ...consumers,
  ...concurrent,
  ...peers,
  ...breaks,
  ...parts,
  ...trial,
];
