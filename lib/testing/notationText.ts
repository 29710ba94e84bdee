import type { Outcome } from '../model/ack.ts';
import { DatasyncError } from '../model/errors.ts';
import type { ResyncReason } from '../model/values.ts';

/** One key of a text. A field that is missing was not written. */
export interface WrittenItem {
  readonly key: string;
  /** `!` gone · `+` new · `=` as before. */
  readonly mark: '' | '!' | '+' | '=';
  /** Missing for a key that is gone, and for a rejected key that never had a good value. */
  readonly value?: unknown;
  /** Present where a previous value is written; `undefined` inside says that there was none. */
  readonly previous?: { readonly value: unknown };
  readonly rejected: boolean;
  /** Its own revision, where it is not that of the event. */
  readonly revision?: number;
}

export type WrittenEvent =
  | {
      readonly type: 'resync';
      readonly items: readonly WrittenItem[];
      readonly revision: number;
      readonly reason: ResyncReason;
    }
  | {
      readonly type: 'change';
      readonly items: readonly WrittenItem[];
      readonly revision: number;
      readonly coalesced: boolean;
    };

export interface WrittenOutcome {
  readonly type: 'outcome';
  readonly event: WrittenEvent;
  readonly outcome: OutcomeWord;
  readonly keys?: readonly string[];
  readonly message?: string;
}

/** What a text says, or would say about a value. */
export type Written =
  | WrittenEvent
  | WrittenOutcome
  | { readonly type: 'state'; readonly items: readonly WrittenItem[] };

type OutcomeWord = Outcome['type'];

// Complete by their types.
const reasons: Readonly<Record<ResyncReason, true>> = {
  initial: true,
  reconnected: true,
  compacted: true,
  regressed: true,
  inconsistent: true,
  requested: true,
  prefixes: true,
  nacked: true,
};
const outcomes: Readonly<Record<OutcomeWord, true>> = {
  failed: true,
  timedOut: true,
  cancelled: true,
  superseded: true,
  applied: true,
  delivered: true,
};

/** What may stand after the revision of a resync. */
export const reasonWords: readonly ResyncReason[] = Object.keys(reasons) as ResyncReason[];
const outcomeWords = Object.keys(outcomes) as OutcomeWord[];
/** Words that need no quotes. */
export const bareWord: RegExp = /[\p{L}\p{N}_\-+/.$#%&*]+/uy;

/** Reads one text of the notation; an error names the column. */
export function read(text: string): Written {
  if (typeof text !== 'string') {
    const what = text === null ? 'null' : typeof text;
    throw new DatasyncError('PARSE_FAILED', `expected a text of the notation, such as 'x:1@8', found ${what}`);
  }
  const reader = new Reader(text);
  const written = reader.next() === '{' ? readSnapshot(reader) : readChange(reader);
  const end = written.type !== 'state' && reader.skip(' ') ? readWords(reader, written) : written;
  if (reader.next() !== '') reader.fail('the end');
  return end;
}

function readSnapshot(reader: Reader): Written {
  reader.skip('{');
  const items: WrittenItem[] = [];
  while (!reader.skip('}')) {
    if (items.length > 0 && !reader.skip(' ')) reader.fail("a space or '}'");
    const start = reader.column;
    const mark = reader.oneOf('!', '+', '=');
    add(reader, items, readItem(reader, mark), start, true);
  }
  if (reader.skip('@')) return { type: 'resync', items, revision: reader.revision(), reason: 'initial' };
  const odd = items.find((item) => item.mark !== '' || item.previous !== undefined || item.rejected);
  if (odd !== undefined || items.some((item) => item.revision !== undefined))
    reader.fail("'@' and a revision: a state has keys and values only");
  return { type: 'state', items };
}

function readChange(reader: Reader): WrittenEvent {
  const coalesced = reader.skip('~');
  const items: WrittenItem[] = [];
  do {
    const start = reader.column;
    const mark = reader.oneOf('!', '+');
    add(reader, items, readItem(reader, mark), start, false);
  } while (reader.skip(','));
  // `x:1@7,y:2@8`: the last revision is that of the event; `y:2@7@8` gives the last key one of its own.
  const last = items.at(-1)!;
  if (reader.skip('@')) return { type: 'change', items, revision: reader.revision(), coalesced };
  if (last.revision === undefined) reader.fail("',' or '@'");
  const { revision, ...rest } = last;
  return { type: 'change', items: [...items.slice(0, -1), rest], revision, coalesced };
}

function readItem(reader: Reader, mark: WrittenItem['mark']): WrittenItem {
  const key = reader.key();
  const hasValue = mark === '!' ? reader.skip(':') : reader.expect(':');
  const body =
    mark === '!'
      ? { ...(hasValue && { previous: { value: reader.value() } }), rejected: false }
      : readBody(reader, mark);
  return { key, mark, ...body, ...(reader.skip('@') && { revision: reader.revision() }) };
}

function readBody(reader: Reader, mark: WrittenItem['mark']): Pick<WrittenItem, 'value' | 'previous' | 'rejected'> {
  if (mark === '' && reader.skip('?')) return { rejected: true };
  const first = reader.next() === '>' ? undefined : reader.value();
  if (mark !== '' || !reader.skip('>')) return { value: first, rejected: reader.skip('?') };
  return { value: reader.value(), previous: { value: first }, rejected: reader.skip('?') };
}

function add(reader: Reader, items: WrittenItem[], item: WrittenItem, column: number, inSnapshot: boolean): void {
  // `{x:? !x:1}`: the last good value is gone, and what is there now cannot be decoded.
  const isBoth = (other: WrittenItem): boolean =>
    inSnapshot && (isUnread(item) ? other : item).mark === '!' && (isUnread(item) || isUnread(other));
  if (items.some((other) => other.key === item.key && !isBoth(other)))
    reader.fail(`another key: '${item.key}' is there already`, column);
  items.push(item);
}

function isUnread(item: WrittenItem): boolean {
  return item.rejected && !('value' in item);
}

function readWords(reader: Reader, written: Exclude<Written, { type: 'state' }>): Written {
  const reason = written.type === 'resync' ? reader.word(reasonWords) : undefined;
  const event = (reason === undefined ? written : { ...written, reason }) as WrittenEvent;
  if (reason !== undefined && !reader.skip(' ')) return event;
  const outcome = reader.word(outcomeWords);
  if (outcome === undefined) {
    const reasons =
      written.type === 'resync' && reason === undefined ? [...reasonWords, ...outcomeWords] : outcomeWords;
    return reader.fail(`one of ${reasons.join(', ')}`);
  }
  if (outcome !== 'failed') return { type: 'outcome', event, outcome };
  const keys: string[] = [];
  if (reader.skip('(')) {
    do keys.push(reader.key());
    while (reader.skip(','));
    reader.expect(')');
  }
  const message = reader.skip(' ') ? reader.quoted() : undefined;
  return {
    type: 'outcome',
    event,
    outcome,
    ...(keys.length > 0 && { keys }),
    ...(message !== undefined && { message }),
  };
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get column(): number {
    return this.#at + 1;
  }

  next(): string {
    return this.#text.charAt(this.#at);
  }

  skip(character: string): boolean {
    if (this.next() !== character) return false;
    this.#at++;
    return true;
  }

  expect(character: string): true {
    return this.skip(character) || this.fail(`'${character}'`);
  }

  oneOf<const C extends string>(...characters: C[]): C | '' {
    return characters.find((character) => this.skip(character)) ?? '';
  }

  key(): string {
    if (this.next() === '"') return this.quoted();
    return this.#bare() ?? this.fail('a key (odd ones in double quotes)');
  }

  /** A JSON value, or a bare word, which stands for itself unless it is a JSON number, boolean or null. */
  value(): unknown {
    if ('"[{'.includes(this.next()) && this.next() !== '') return this.#json();
    const start = this.column;
    const word = this.#bare() ?? this.fail('a value (odd ones as JSON)');
    const value = fromJson(word);
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) this.fail('a finite number', start);
    return value === undefined ? word : value;
  }

  quoted(): string {
    if (this.next() !== '"') this.fail('a text in double quotes');
    return this.#json() as string;
  }

  revision(): number {
    const start = this.#at;
    while (/^\d$/.test(this.next())) this.#at++;
    const revision = Number(this.#text.slice(start, this.#at));
    if (start === this.#at) this.fail('a revision');
    return Number.isSafeInteger(revision) ? revision : this.fail('a revision that is a safe integer', start + 1);
  }

  word<const W extends string>(words: readonly W[]): W | undefined {
    const rest = /^[a-zA-Z]*/.exec(this.#text.slice(this.#at))?.[0];
    const word = words.find((candidate) => candidate === rest);
    this.#at += word?.length ?? 0;
    return word;
  }

  fail(expected: string, column: number = this.column): never {
    const found =
      column > this.#text.length
        ? 'the end'
        : `'${String.fromCodePoint(this.#text.codePointAt(column - 1) as number)}'`;
    const message = `column ${column}: expected ${expected}, found ${found}\n  ${this.#text}\n  ${' '.repeat(column - 1)}^`;
    throw new DatasyncError('PARSE_FAILED', message, { column });
  }

  #bare(): string | undefined {
    bareWord.lastIndex = this.#at;
    const word = bareWord.exec(this.#text)?.[0];
    this.#at += word?.length ?? 0;
    return word;
  }

  #json(): unknown {
    const start = this.#at;
    let depth = 0;
    do {
      const character = this.next();
      if (character === '') this.fail('valid JSON', start + 1);
      if (character === '"') this.#skipString();
      else this.#at++;
      if ('[{'.includes(character)) depth++;
      if (']}'.includes(character)) depth--;
    } while (depth > 0);
    const value = fromJson(this.#text.slice(start, this.#at));
    return value === undefined ? this.fail('valid JSON', start + 1) : value;
  }

  #skipString(): void {
    const start = this.#at;
    for (this.#at++; this.next() !== '"'; this.#at++) {
      if (this.next() === '\\') this.#at++;
      if (this.next() === '') this.fail('a closing double quote', start + 1);
    }
    this.#at++;
  }
}

/** The JSON value of a text; undefined where it is not JSON. */
export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
