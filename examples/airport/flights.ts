import { type Codec, jsonCodec, type SourceConfig } from 'rx-datasync';

/** The stages of a flight, in the order in which it goes through them. */
export const stages = ['approach', 'landing', 'landed', 'hangar', 'ready', 'takeoff', 'departed'] as const;

export type Stage = (typeof stages)[number];

/** A flight: one key in Redis. Every move of it is a compare-and-swap, so no two programs move it at once, or twice. */
export interface Flight {
  readonly from: string;
  readonly to: string;
  readonly stage: Stage;
  /** The runway it is on, or was on last. */
  readonly at: string;
}

/** Before the numbers of flights, and before those of the runways that are open. */
export const flightKeys = 'airport/flight/';
export const runwayKeys = 'airport/runway/';

export const flightCodec: Codec<Flight> = jsonCodec<Flight>();

/** What each program has to say. */
export type Print = (line: string) => void;

/** Whether a flight stands, or moves, on a runway. */
export function occupies({ stage }: Flight): boolean {
  return stage === 'landing' || stage === 'takeoff';
}

/** How far a flight is; what is not there has not begun. */
export function progress(flight: Flight | undefined): number {
  return flight === undefined ? -1 : stages.indexOf(flight.stage);
}

/** For all sources here: what could not be done is told again until it goes well, and Redis is looked for at least every other second. */
export const patient: Pick<SourceConfig<unknown>, 'delivery' | 'retry'> = {
  delivery: { onNack: 'resync', redeliver: { count: Infinity, delay: 100, maxDelay: 1_000 } },
  retry: { maxDelay: 2_000 },
};
