import { LossError, LossyNumber, losesDigits } from '../../internal/lossyNumber.ts';

/** What `JSON.parse` would drop without a word. */
export interface JsonFlaw {
  readonly offset: number;
  readonly reason: string;
  /** The name at the top level, where it lies in such a member or is one that stands there twice. */
  readonly member: string;
  /** The same inside of an item of the list that was asked for: its index, and the member of it. */
  readonly item?: { readonly index: number; readonly member: string };
}

/** What a look at a JSON text finds. */
export interface JsonScan {
  /** The first place that breaks the grammar; missing where the text is JSON. */
  readonly fault?: { readonly offset: number; readonly expected: string };
  /** The offset of each item of the list that was asked for. */
  readonly items: readonly number[];
  /** Members that stand twice, and numbers that lose digits; up to the fault. */
  readonly flaws: readonly JsonFlaw[];
}

type Expect = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or ]' | ', or }' | 'end';

const expectations: Record<Expect, string> = {
  value: 'a value',
  'value or ]': "a value or ']'",
  name: 'a name in double quotes',
  'name or }': "a name in double quotes or '}'",
  ':': "':'",
  ', or ]': "',' or ']'",
  ', or }': "',' or '}'",
  end: 'the end',
};

const blank = /[ \t\n\r]*/y;
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escaped = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/**
 * Finds in a JSON text what `JSON.parse` does not tell: where it breaks (engines say it in different words, or not at all),
 * and where the items of a list stand.
 *
 * @param member the name of a top-level member that is a list
 */
export function scanJson(text: string, member: string): JsonScan {
  const items: number[] = [];
  const flaws: JsonFlaw[] = [];
  /** The open brackets; an object knows the name it is at, and which it had. */
  const open: { readonly close: '}' | ']'; name: string; readonly names?: Set<string> }[] = [];
  let at = 0;
  let expect: Expect = 'value';

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const after = (): Expect => {
    const top = open.at(-1);
    if (top === undefined) return 'end';
    return top.close === ']' ? ', or ]' : ', or }';
  };
  const isInList = (): boolean => open[0]?.close === '}' && open[0].name === member && open[1]?.close === ']';
  const flaw = (offset: number, reason: string): void => {
    const item = isInList() ? { index: items.length - 1, member: open[2]?.name ?? '' } : undefined;
    flaws.push({ offset, reason, member: open[0]?.name ?? '', ...(item && { item }) });
  };
  const fault = (expected: string): JsonScan => ({ fault: { offset: at, expected }, items, flaws });

  for (;;) {
    at += match(blank)?.length ?? 0;
    const char = text[at];
    if (expect === 'end' && char === undefined) return { items, flaws };
    const top = open.at(-1);

    if (char === top?.close && (expect === 'value or ]' || expect === 'name or }' || expect === after())) {
      open.pop();
      at++;
      expect = after();
    } else if (expect === ', or ]' && char === ',') {
      at++;
      expect = 'value';
    } else if (expect === ', or }' && char === ',') {
      at++;
      expect = 'name';
    } else if (expect === ':' && char === ':') {
      at++;
      expect = 'value';
    } else if (expect === 'name' || expect === 'name or }') {
      const start = at;
      if (char !== '"') return fault(expectations[expect]);
      const end = endOfString(text, at);
      at = Math.abs(end);
      if (end < 0) return fault('the rest of a string');
      const name = JSON.parse(text.slice(start, at)) as string;
      top!.name = name;
      if (top!.names!.has(name)) flaw(start, twice(name));
      top!.names!.add(name);
      expect = ':';
    } else if (expect === 'value' || expect === 'value or ]') {
      if (open.length === 2 && isInList()) items.push(at);
      if (char === '{' || char === '[') {
        open.push(char === '{' ? { close: '}', name: '', names: new Set() } : { close: ']', name: '' });
        at++;
        expect = char === '{' ? 'name or }' : 'value or ]';
      } else if (char === '"') {
        const end = endOfString(text, at);
        at = Math.abs(end);
        if (end < 0) return fault('the rest of a string');
        expect = after();
      } else {
        const found = match(literal);
        if (found === undefined) return fault(expectations[expect]);
        if (/\d/.test(found) && losesDigits(found)) flaw(at, new LossyNumber(found).reason);
        at += found.length;
        expect = after();
      }
    } else return fault(expectations[expect]);
  }
}

/** What `JSON.parse` drops of a text that it has read: the flaws of {@link scanJson}, which is asked only where there is one. */
export function flawsOf(text: string, value: unknown, member: string): readonly JsonFlaw[] {
  const mayLoseDigits = /\d[\d.]{15}|\d[eE]/.test(text);
  return mayLoseDigits || countNames(text) !== countMembers(value) ? scanJson(text, member).flaws : [];
}

/**
 * `JSON.parse`, but that it refuses what it would drop.
 *
 * @throws SyntaxError, or a LossError
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const [flaw] = flawsOf(text, value, '');
  if (flaw !== undefined) throw new LossError(flaw.reason);
  return value;
}

function twice(name: string): string {
  return `has the member ${JSON.stringify(name)} twice`;
}

/** How many members the objects of a JSON text are given: strings before a colon. */
function countNames(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at)) {
    at = text.indexOf('"', at + 1);
    while (isEscaped(text, at)) at = text.indexOf('"', at + 1);
    at++;
    while (isBlank(text.charCodeAt(at))) at++;
    if (text[at] === ':') count++;
  }
  return count;
}

function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text.charCodeAt(start - 1) === 0x5c) start--;
  return (at - start) % 2 === 1;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** How many members a value has in all; without recursion, as deep as it may be. */
function countMembers(value: unknown): number {
  let count = 0;
  const left: object[] = [];
  const visit = (part: unknown): void => {
    if (typeof part === 'object' && part !== null) left.push(part);
  };
  visit(value);
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (Array.isArray(next)) {
      for (const item of next) visit(item);
      continue;
    }
    // All are its own: JSON.parse makes plain objects. Faster than a list of them.
    for (const name in next) {
      count++;
      visit((next as Record<string, unknown>)[name]);
    }
  }
  return count;
}

/** The offset behind the string that starts at `at`; negative: that of the character that cannot stand in it. */
function endOfString(text: string, at: number): number {
  for (let i = at + 1; ; ) {
    const code = text.charCodeAt(i);
    if (code === 0x22) return i + 1;
    if (code === 0x5c) {
      escaped.lastIndex = i;
      const found = escaped.exec(text);
      if (found === null) return -i;
      i += found[0].length;
    } else if (code >= 0x20) i++;
    else return -i; // a control character, or NaN: the end of the text
  }
}

/** Line and column of an offset; both start at 1. */
export function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  return placer(text)(offset);
}

/** {@link placeOf} for many offsets: where they ascend, the text is gone through once. */
export function placer(text: string): (offset: number) => { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  return (offset) => {
    if (offset < start) [line, start] = [1, 0];
    for (let end = text.indexOf('\n', start); end !== -1 && end < offset; end = text.indexOf('\n', start)) {
      line++;
      start = end + 1;
    }
    return { line, column: offset - start + 1 };
  };
}
