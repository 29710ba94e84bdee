import type { Outcome } from '../model/ack.ts';
import type { DatasyncEvent } from '../model/events.ts';
import { agrees, inTheManner } from './notationMatch.ts';
import { read, type Written } from './notationText.ts';
import { toValue, toWritten } from './notationValue.ts';
import { canonical, write } from './notationWrite.ts';

/** What a text of the notation stands for: an event, a state, or an event with its outcome (what `ackWithCallback` emits). */
export type NotationValue<T = unknown> =
  | DatasyncEvent<T>
  | ReadonlyMap<string, T>
  | { readonly event: DatasyncEvent<T>; readonly outcome: Outcome };

/** How two things are compared. */
export interface MatchOptions {
  /**
   * Also what is not written must agree: there is no previous value, no last good value and no error text, each key has
   * the event's revision, all keys of a resync are new.
   *
   * @default false
   */
  readonly strict?: boolean;
}

/** An expected value for `toEqual` of vitest and jest, also deep inside an object. */
export interface NotationExpectation {
  /** By this the runners know it, and print its text. */
  readonly $$typeof: symbol;
  /** Whether a value is what the text says. */
  readonly asymmetricMatch: (actual: unknown) => boolean;
  /** The text, for the difference that a runner prints. */
  readonly toAsymmetricMatcher: () => string;
  /** The text. */
  readonly toString: () => string;
}

/** See {@link notation}. */
export interface Notation {
  /**
   * The value a text stands for. Events are hand-made: epoch 0, prefixes `['']`, no ack; values are what JSON gives, `T` is a cast.
   *
   * @throws DatasyncError `PARSE_FAILED` with the `column` and what was expected there
   */
  readonly parse: <T = unknown>(text: string) => NotationValue<T>;
  /** The text of an event, a state (any Map, or a `Snapshot`) or an `{ event, outcome }`; of anything else its JSON. */
  readonly format: (value: unknown) => string;
  /** Whether a value agrees with a text, in the fields that are written. */
  readonly matches: (actual: unknown, text: string, options?: MatchOptions) => boolean;
  /** The same as an asymmetric matcher: `expect(event).toEqual(notation.expectation('x:3@8'))`. */
  readonly expectation: (text: string, options?: MatchOptions) => NotationExpectation;
}

/**
 * Events, states and outcomes as short texts: one notation for tests, diagrams, failure messages and prose.
 *
 * | text | means |
 * |---|---|
 * | `{x:1 y:2}@7` | resync at revision 7, reason `initial` |
 * | `{x:1}@7 nacked` | resync with another reason |
 * | `{x:1 +y:2 z:1>3 !w:4}@9 requested` | resync with its diff: y is new, z was 1, w is gone and was 4, x is as before |
 * | `{=x:1}@9 requested` | resync with an empty diff: `=` is needed where nothing else shows that a diff is meant |
 * | `x:3@8` | put |
 * | `x:2>3@8` | put, with the previous value |
 * | `+x:3@8` | put of a key that was absent |
 * | `!y@9` | delete |
 * | `!y:2@9` | delete, with the previous value |
 * | `x:1,!y@8` | one transaction |
 * | `~x:3@8` | coalesced |
 * | `x:?@8` `{x:?}@7` | rejected |
 * | `x:1?@8` `{x:1?}@7` | rejected, 1 stays in force as the last good value |
 * | `{!x:1 x:?}@7` | rejected, and the value it had is gone |
 * | `{x:1@5}@7` `x:1@7,y:2@8` `x:1@7@8` | a key with a revision of its own; the last revision is that of the event |
 * | `{x:1}` | a state |
 * | `{x:1}@7 applied` `x:3@8 timedOut` | an event and its outcome |
 * | `{routes:applied rules:failed}` | how an event ended by consumer, of an `{ event, outcomes }` |
 * | `x:3@8 failed(x) "no route"` | failed, with the keys and the message of the error; both may be left out |
 *
 * Keys and texts of letters, digits and `_-+/.$#%&*` stand bare; all others are JSON: `{"a b":{"n":[1,"2"]}}@7`.
 * A bare value that is a JSON number, boolean or null is that; the text "1" is written `"1"`. Bytes are shown as their text.
 *
 * The order of keys never counts. Prefixes, epochs, raw bytes and the errors of rejected keys are not part of the notation.
 *
 * @example
 * notation.parse('{x:1 y:2}@7')                 // ResyncEvent.of({ x: 1, y: 2 }, 7)
 * notation.format(ChangeEvent.put('x', 3, 8))   // 'x:3@8'
 * notation.matches(event, 'x:2>3@8')
 * expect(events).toEqual(['{x:1}@1', 'x:2@2'].map((text) => notation.expectation(text)))
 */
export const notation: Notation = {
  parse: <T>(text: string) => toValue(read(text)) as NotationValue<T>,
  format: (value) => formatted(toWritten(value), value),
  matches: (actual, text, options) => compare(actual, text, options).same,
  expectation: (text, options = {}) => {
    read(text);
    return {
      $$typeof: Symbol.for('jest.asymmetricMatcher'),
      asymmetricMatch: (actual) => notation.matches(actual, text, options),
      toAsymmetricMatcher: () => text,
      toString: () => text,
    };
  },
};

/**
 * Compares, and gives both texts for a message: the actual one with no more kinds of detail than the expected one has.
 * @internal
 */
export function compare(
  actual: unknown,
  text: string,
  options: MatchOptions = {},
): { same: boolean; actual: string; expected: string } {
  const strict = options.strict ?? false;
  const expected = read(text);
  const found = toWritten(actual);
  const same = found !== undefined && agrees(found, expected, strict);
  const shown = found && inTheManner(found, expected, strict);
  return { same, actual: formatted(shown, actual), expected: write(expected) };
}

function formatted(written: Written | undefined, value: unknown): string {
  if (written !== undefined) return write(written);
  return typeof value === 'string' ? value : canonical(value);
}
