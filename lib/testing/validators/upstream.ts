import type { Outcome } from '../../model/ack.ts';
import type { Frame } from '../../source/frames.ts';
import type { Step } from '../steps.ts';

/** A frame on its way from a backend, and what its `settled` was told. */
export interface SentFrame {
  readonly id: number;
  readonly step: number;
  readonly time: number;
  readonly frame: Frame;
  readonly connection: Connection;
  readonly settled: { readonly step: number; readonly time: number; readonly outcome: Outcome }[];
}

/** One connection to a backend. */
export interface Connection {
  readonly id: number;
  readonly upstream: string;
  readonly step: number;
  readonly time: number;
  readonly prefixes: readonly string[];
  readonly added: readonly string[];
  readonly from: unknown;
  readonly maxSilence: number | undefined;
  readonly frames: SentFrame[];
  /** When it waited for room, and until when. */
  readonly waits: { readonly from: number; until: number | undefined }[];
  ended:
    | { readonly step: number; readonly time: number; readonly by: 'backend' | 'loop'; readonly error?: unknown }
    | undefined;
}

/** The connections of a run, in order. */
export function connectionsOf(steps: readonly Step<unknown>[]): Connection[] {
  const connections = new Map<number, Connection>();
  const frames = new Map<number, SentFrame>();
  for (const step of steps) {
    switch (step.type) {
      case 'open':
        connections.set(step.connection, { ...step, id: step.connection, frames: [], waits: [], ended: undefined });
        break;
      case 'frame': {
        const connection = connections.get(step.connection)!;
        const sent: SentFrame = {
          id: step.id,
          step: step.step,
          time: step.time,
          frame: step.frame,
          connection,
          settled: [],
        };
        connection.frames.push(sent);
        frames.set(step.id, sent);
        break;
      }
      case 'frameSettled':
        frames.get(step.id)!.settled.push({ step: step.step, time: step.time, outcome: step.outcome });
        break;
      case 'waiting': {
        const { waits } = connections.get(step.connection)!;
        if (step.waiting) waits.push({ from: step.time, until: undefined });
        else for (const wait of waits) wait.until ??= step.time;
        break;
      }
      case 'end':
      case 'close': {
        const by = step.type === 'end' ? 'backend' : 'loop';
        connections.get(step.connection)!.ended ??= {
          step: step.step,
          time: step.time,
          by,
          ...('error' in step ? { error: step.error } : {}),
        };
        break;
      }
    }
  }
  return [...connections.values()];
}

/** The snapshot that ended a connection's listing. */
export function listingOf(connection: Connection): SentFrame | undefined {
  return connection.frames.find(({ frame }) => frame.type === 'snapshot');
}
