import type { Capabilities } from '../../model/capabilities.ts';
import type { DeliveryConfig } from '../../source/config.ts';
import type { Backend } from '../../source/frames.ts';
import type { Invariant } from '../validators/invariant.ts';
import type { Stage } from './stage.ts';
import type { Ability, Awaitable, StoreFault } from './subject.ts';

/** One line of a script. */
export interface ScriptStep {
  /** In messages. */
  readonly text: string;
  /** Done first. */
  readonly run?: (stage: Stage) => Awaitable<void>;
  /** Then nothing goes on until this returns `undefined`; else what is missing. */
  readonly until?: (stage: Stage) => string | undefined;
  /** Then so many milliseconds pass, in virtual time only. */
  readonly pass?: number;
}

/** What happens to a store and its subscribers, and what must come of it. */
export interface Scenario {
  /** In the name of its test. */
  readonly name: string;
  /** The fault scripts of the contract it plays. */
  readonly plays?: readonly `S${number}`[];
  /** The promises it is there for: they must be judged, where capabilities and place allow it. All others are judged too. */
  readonly keeps: readonly Invariant[];
  /** Promises that the script itself makes impossible to judge, and why. */
  readonly waives?: Readonly<Partial<Record<Invariant, string>>>;
  readonly needs?: readonly (Ability | StoreFault | 'virtual')[];
  /** Why it says nothing about a backend of these capabilities. */
  readonly unless?: (capabilities: Capabilities) => string | undefined;
  /** What goes wrong between backend and loop. */
  readonly fault?: <P>(backend: Backend<P>, stage: Stage) => Backend<P>;
  readonly delivery?: DeliveryConfig;
  readonly steps: readonly ScriptStep[];
  /** A consumer keeps events open to the end. */
  readonly holding?: boolean;
  /** What else must have come of it. @returns what is wrong */
  readonly check?: (stage: Stage) => string | undefined;
}
