import { asyncScheduler, config } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { isPromiseLike } from '../internal/isPromiseLike.ts';

/** The clock of {@link virtually}. */
export interface VirtualTime {
  /** Milliseconds since the start. */
  readonly now: number;
  /** Lets so much time pass: everything that is due runs. */
  readonly advance: (ms: number) => void;
  /** How many timers run. */
  readonly timers: number;
  /** Whether time is passing just now. */
  readonly advancing: boolean;
  /** Sets the clock, to a later or an earlier time: no timer runs sooner or later for it, as if somebody had set the clock of the machine. */
  readonly setClock: (ms: number) => void;
  /** What was reported to rxjs as unhandled since the last call; whatever is not taken fails the test. */
  readonly takeUnhandled: () => unknown[];
}

interface Run {
  readonly atEnd: (() => void)[];
  readonly afterwards: (() => void)[];
}

let current: Run | undefined;

/**
 * Inside {@link virtually}: what ends a part of the test, and what must hold when all parts have ended.
 * @internal
 */
export function whenOver(end: () => void, check: () => void = () => undefined): void {
  current?.atEnd.push(end);
  current?.afterwards.push(check);
}

/**
 * Runs a test in virtual time: all timers of rxjs wait until the test lets time pass, and no Promise is awaited.
 * At its end no timer may be left, no error may be unhandled, and every {@link scriptedBackend} made inside must be
 * closed, each of its frames settled exactly once. Works in any test runner.
 *
 * @example
 * virtually((time) => {
 *   const subscription = source.subscribe();
 *   time.advance(30_000);
 *   subscription.unsubscribe();
 * });
 *
 * @param test not async: what comes after an `await` would run when all of this is over
 * @throws Error where one of these does not hold, or the test is async; what the test throws
 */
export function virtually(test: (time: VirtualTime) => void): void {
  const scheduler = new TestScheduler(() => undefined);
  let ahead = 0;
  // Not that of the TestScheduler, which needs its own to find out what is due.
  const { now } = asyncScheduler;
  asyncScheduler.now = () => now() + ahead;
  const unhandled: unknown[] = [];
  const before = { run: current, onUnhandledError: config.onUnhandledError };
  /** What `advance` itself has scheduled. */
  let marker: unknown;
  let advancing = false;
  const run: Run = { atEnd: [], afterwards: [] };
  const time: VirtualTime = {
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
    setClock: (ms) => {
      ahead = ms - scheduler.frame;
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
      runSync(test, time);
      for (const end of run.atEnd) end();
      time.advance(0);
      if (time.timers > 0) throw new Error(`timers that are left: ${time.timers}`);
      for (const check of run.afterwards) check();
      if (unhandled.length > 0) throw unhandled[0];
    });
  } finally {
    current = before.run;
    asyncScheduler.now = now;
    config.onUnhandledError = before.onUnhandledError;
  }
}

/** Also an async function is a `(time) => void` to the compiler. */
function runSync(test: (time: VirtualTime) => unknown, time: VirtualTime): void {
  const returned = test(time);
  if (!isPromiseLike(returned)) return;
  // Said here already: what else becomes of it is not to be told as well.
  returned.then(undefined, () => undefined);
  throw new Error('the test must not be async: nothing that comes after an await is run in virtual time, or judged');
}
