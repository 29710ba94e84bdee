import type { Capabilities } from '../../model/capabilities.ts';
import type { Run } from './run.ts';

/** The promises of the contract, by number. */
export type Invariant =
  | 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10' | 'I11' | 'I12' | 'I13' | 'I14' | 'I15'
  | 'I16' | 'I17' | 'I18' | 'I19' | 'I20' | 'I21' | 'I22' | 'I23' | 'I24' | 'I25' | 'I26' | 'I27' | 'I28' | 'I29' | 'I30'
  | 'I31' | 'I32' | 'I33' | 'I34' | 'I35' | 'I36' | 'I37' | 'I38' | 'I39' | 'I40' | 'I41' | 'I42' | 'I43' | 'I44' | 'I45'; // biome-ignore format: a table

/** A promise that was not kept. */
export interface Violation {
  readonly invariant: Invariant;
  /** What happened, with keys, revisions and steps. */
  readonly message: string;
  /** The step of the history at which it shows. */
  readonly step: number;
}

/** A violation before it has its number. */
export interface Finding {
  readonly step: number;
  readonly message: string;
}

/** What a history must contain for a promise to be judged. */
export type Evidence = keyof typeof evidence;

/** How it gets there. */
export const evidence = {
  events: 'no place was recorded (History.tap, recordHistory)',
  truth: 'what the store held was not recorded (History.write)',
  upstream: 'the backend was not recorded (recordUpstream)',
  silence: 'the backend promises no sign of life (maxSilence)',
  status: 'the status was not recorded (History.statusObserver)',
  work: 'no work was recorded (History.work)',
  results: 'no result was recorded (History.tapResults)',
  consumers: 'no consumers were declared (HistoryOptions.consumers)',
  publish: 'no publishing was recorded (History.publish)',
  token: 'no stored token was recorded (History.token)',
  quiet: 'the run did not come to rest (History.quiet)',
  buffered: 'no place below a buffer was recorded (History.tap)',
  inFlight: 'the limit of unsettled events was not given (PlaceOptions.inFlight)',
  subscriptions: 'there was one subscription only',
  unsubscribe: 'nobody unsubscribed',
} as const;

/** How one promise is judged. */
export interface Validator {
  /** The promise, in a few words. */
  readonly says: string;
  /** Why it does not bind a backend of these capabilities; `undefined`: it does. */
  readonly off?: (capabilities: Capabilities) => string | undefined;
  /** Without these it cannot be judged at all. */
  readonly needs: readonly Evidence[];
  readonly check: (run: Run) => Iterable<Finding>;
}

/** A promise that one history cannot show. */
export interface Unseen {
  readonly says: string;
  readonly cannot: string;
  /** How to see it all the same. */
  readonly instead: string;
}
