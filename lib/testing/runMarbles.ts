import type { Observable } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { DatasyncError, reasonOf } from '../model/errors.ts';
import type { DatasyncEvent } from '../model/events.ts';
import {
  differences,
  ExpectedText,
  type Lifetime,
  lifetimeDifferences,
  type MarbleFrame,
} from './marbleDifferences.ts';
import { type MatchOptions, notation } from './notation.ts';

/**
 * What the marbles stand for. A string is a text of the {@link notation}; anything else is the value itself.
 * A digit without a value is a signal and stands for itself; a letter without a value is an error.
 */
export type MarbleValues = Readonly<Record<string, unknown>>;

/** Of rxjs: an Observable that plays marbles from each subscription on. */
export type ColdMarbles<T> = ReturnType<typeof TestScheduler.prototype.createColdObservable<T>>;

/** Of rxjs: an Observable that plays marbles once, for whoever is there. */
export type HotMarbles<T> = ReturnType<typeof TestScheduler.prototype.createHotObservable<T>>;

/** What {@link runMarbles} hands out. */
export interface MarbleHelpers {
  /** Plays marbles from each subscription on. `T` is a cast: values are what JSON gives. `#` is an error, by default the text `error`. */
  readonly cold: <T = unknown>(
    marbles: string,
    values?: MarbleValues,
    error?: unknown,
  ) => ColdMarbles<DatasyncEvent<T>>;
  /** Plays marbles once, `^` being the start. */
  readonly hot: <T = unknown>(marbles: string, values?: MarbleValues, error?: unknown) => HotMarbles<DatasyncEvent<T>>;
  /**
   * Subscribes and compares: events, states and `{ event, outcome }` with texts of the {@link notation}, anything else as JSON.
   *
   * @param observable what is tested
   * @param subscription when to subscribe and unsubscribe: `^----!`. Default: at once, and never
   * @param options `strict` compares also what is not written
   */
  readonly expectEvents: (
    observable: Observable<unknown>,
    subscription?: string,
    options?: MatchOptions,
  ) => ExpectEvents;
  /**
   * Subscribes and compares: plain values, with those of `values` as they are. A letter without a value stands for itself,
   * as in rxjs, so that texts, numbers and objects of any operator are tested as with rxjs alone.
   *
   * @param observable what is tested
   * @param subscription when to subscribe and unsubscribe: `^----!`. Default: at once, and never
   */
  readonly expectValues: (observable: Observable<unknown>, subscription?: string) => ExpectEvents;
  /** As in rxjs: when an Observable of `cold` or `hot` was subscribed and unsubscribed. */
  readonly expectSubscriptions: RunHelpers['expectSubscriptions'];
  /** As in rxjs: the virtual milliseconds up to `|`. */
  readonly time: RunHelpers['time'];
  /** As in rxjs: runs virtual time to its end now rather than after the function. */
  readonly flush: RunHelpers['flush'];
}

/** See {@link MarbleHelpers.expectEvents}. A test that ends without calling it fails. */
export interface ExpectEvents {
  /**
   * What must come out, and when; compared at the end of the run.
   *
   * @param marbles one frame (a virtual millisecond) per character, as in rxjs `TestScheduler.run`
   * @param values what the letters stand for
   * @param error what `#` stands for: the error, or its code or message. Default: the text `error`
   */
  readonly toBe: (marbles: string, values?: MarbleValues, error?: unknown) => void;
}

/**
 * Runs a marble test in virtual time, with events written in the {@link notation}. Works in any test runner: what
 * differs is thrown as an Error whose message shows both sides, frame by frame.
 *
 * @example
 * it('waits for the snapshot', () =>
 *   runMarbles(({ cold, expectEvents }) => {
 *     const values = { R: '{x:1}@7', a: 'x:2@8', b: '!x@9' };
 *     const source = cold('  -a-R----b-|', values);
 *     const expected = '     ---(Ra)-b-|';
 *     expectEvents(source.pipe(bufferDuringResync())).toBe(expected, values);
 *   }));
 *
 * @param test builds Observables and says what is expected of them; not async: after an `await` nothing would be compared
 * @returns what `test` returned, after virtual time has run
 * @throws Error where something differs, is expected without a `toBe`, or after the run (from the helper that comes too
 * late); DatasyncError `PARSE_FAILED` where a text is wrong
 */
export function runMarbles<R>(test: (helpers: MarbleHelpers) => R): R {
  // Each expectation that was begun, until its `toBe`.
  const open: string[] = [];
  const begun = <A extends unknown[]>(what: string, toBe: (...args: A) => void): { toBe: (...args: A) => void } => {
    open.push(what);
    return {
      toBe: (...args) => {
        const index = open.indexOf(what);
        if (index >= 0) open.splice(index, 1);
        toBe(...args);
      },
    };
  };
  let isOver = false;
  /** An async test would go on when nothing is run and compared any more, and pass whatever it expects. */
  const inTime = <H>(helper: H): H => {
    if (!isOver) return helper;
    throw new Error(
      'the marble test is over: it must not be async, after an await nothing is run or compared any more',
    );
  };
  const result = new TestScheduler(assertSame).run(
    ({ cold, hot, expectObservable, expectSubscriptions, time, flush }) =>
      test({
        cold: <T>(marbles: string, values?: MarbleValues, error?: unknown) =>
          inTime(cold)(marbles, givenValues<DatasyncEvent<T>>(values), error),
        hot: <T>(marbles: string, values?: MarbleValues, error?: unknown) =>
          inTime(hot)(marbles, givenValues<DatasyncEvent<T>>(values), error),
        expectEvents: (observable, subscription, options = {}) => {
          const expectation = inTime(expectObservable)(observable, subscription);
          return begun('expectEvents', (marbles: string, values?: MarbleValues, error?: unknown) =>
            expectation.toBe(marbles, expectedValues(values, options), error),
          );
        },
        expectValues: (observable, subscription) => {
          const expectation = inTime(expectObservable)(observable, subscription);
          return begun('expectValues', (marbles: string, values?: MarbleValues, error?: unknown) =>
            expectation.toBe(marbles, values, error),
          );
        },
        expectSubscriptions: (lifetimes) => {
          const { toBe } = inTime(expectSubscriptions)(lifetimes);
          return begun('expectSubscriptions', toBe);
        },
        time: (marbles) => inTime(time)(marbles),
        flush: () => inTime(flush)(),
      }),
  );
  isOver = true;
  if (open.length > 0) throw new Error(`${open.join(', ')} without toBe: nothing was compared; say what is expected`);
  return result;
}

/** The frames of expected marbles, inside `run`. */
export function expectedFrames(marbles: string, values: MarbleValues, error?: unknown): MarbleFrame[] {
  return TestScheduler.parseMarbles(marbles, expectedValues(values, {}), error, false, true);
}

function givenValues<V>(values: MarbleValues = {}): Record<string, V> {
  return marbleValues(values, (text) => notation.parse(text)) as Record<string, V>;
}

function expectedValues(values: MarbleValues = {}, options: MatchOptions): Record<string, unknown> {
  return marbleValues(values, (text) => {
    notation.parse(text);
    return new ExpectedText(text, options);
  });
}

/** rxjs reads only the marbles that occur, and would take `undefined` for one that has no value. */
function marbleValues(values: MarbleValues, fromText: (text: string) => unknown): Record<string, unknown> {
  const get = (_target: object, marble: string): unknown => {
    const value = Object.hasOwn(values, marble) ? values[marble] : undefined;
    if (typeof value === 'string') return ofMarble(marble, () => fromText(value));
    if (value !== undefined) return value;
    if (/^\d$/.test(marble)) return marble;
    throw new DatasyncError(
      'PARSE_FAILED',
      `the marble '${marble}' has no value: give one, as in { ${marble}: 'x:1@1' }`,
    );
  };
  return new Proxy({}, { get: (target, marble) => get(target, String(marble)) });
}

/** What is wrong with a text, and which letter it belongs to. */
function ofMarble<V>(marble: string, read: () => V): V {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DatasyncError)) throw error;
    const { column } = error;
    const details = { cause: error, ...(column === undefined ? {} : { column }) };
    throw new DatasyncError('PARSE_FAILED', `the marble '${marble}': ${reasonOf(error)}`, details);
  }
}

function assertSame(actual: readonly (MarbleFrame | Lifetime)[], expected: readonly (MarbleFrame | Lifetime)[]): void {
  const isLifetimes = [...actual, ...expected].some((item) => 'subscribedFrame' in item);
  const message = isLifetimes
    ? lifetimeDifferences(actual as Lifetime[], expected as Lifetime[])
    : differences(actual as MarbleFrame[], expected as MarbleFrame[]);
  if (message === undefined) return;
  const failed = (actual as MarbleFrame[]).find((item) => item.notification?.kind === 'E');
  const cause: unknown = failed?.notification.kind === 'E' ? failed.notification.error : undefined;
  throw new Error(message, cause instanceof Error ? { cause } : {});
}
