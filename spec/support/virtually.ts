import { config } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { expect } from 'vitest';

/** The clock of {@link virtually}. */
export interface Time {
  /** Milliseconds since the start. */
  readonly now: number;
  /** Lets so much time pass: everything that is due runs. */
  readonly advance: (ms: number) => void;
  /** How many timers run. */
  readonly timers: number;
  /** Whether time is passing just now. */
  readonly advancing: boolean;
  /** What was reported to rxjs as unhandled since the last call; whatever is not taken fails the spec. */
  readonly takeUnhandled: () => unknown[];
}

interface Run {
  readonly atEnd: (() => void)[];
  readonly afterwards: (() => void)[];
}

let current: Run | undefined;

/** Inside {@link virtually}: what ends a part of the spec, and what must hold when all parts have ended. */
export function whenOver(end: () => void, check: () => void = () => undefined): void {
  current?.atEnd.push(end);
  current?.afterwards.push(check);
}

/**
 * Runs a spec in virtual time. At its end everything that was recorded is unsubscribed; then no timer may be left, no
 * error may be unhandled, every scripted connection must be closed and every frame settled exactly once.
 */
export function virtually(spec: (time: Time) => void): void {
  const scheduler = new TestScheduler(() => undefined);
  const unhandled: unknown[] = [];
  const before = config.onUnhandledError;
  /** What `advance` itself has scheduled. */
  let marker: unknown;
  let advancing = false;
  const run: Run = { atEnd: [], afterwards: [] };
  const time: Time = {
    get now() {
      return scheduler.frame;
    },
    get timers() {
      return scheduler.actions.filter((action) => action !== marker).length;
    },
    get advancing() {
      return advancing;
    },
    advance: (ms) => {
      const until = scheduler.frame + ms;
      marker = scheduler.schedule(() => undefined, ms);
      scheduler.maxFrames = until;
      advancing = true;
      scheduler.flush();
      advancing = false;
      scheduler.maxFrames = Infinity;
    },
    takeUnhandled: () => {
      time.advance(0);
      return unhandled.splice(0);
    },
  };
  config.onUnhandledError = (error) => unhandled.push(error);
  current = run;
  try {
    scheduler.run(() => {
      spec(time);
      for (const end of run.atEnd) end();
      time.advance(0);
      expect(time.timers, 'timers that are left').toBe(0);
      for (const check of run.afterwards) check();
      if (unhandled.length > 0) throw unhandled[0];
    });
  } finally {
    current = undefined;
    config.onUnhandledError = before;
  }
}
