/** What a look at a JSON text finds. */
export interface JsonScan {
  /** The first place that breaks the grammar; missing where the text is JSON. */
  readonly fault?: { readonly offset: number; readonly expected: string };
  /** The offset of each item of the list that was asked for. */
  readonly items: readonly number[];
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
  /** The open brackets; an object knows the name it is at. */
  const open: { readonly close: '}' | ']'; name: string }[] = [];
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
  const fault = (expected: string): JsonScan => ({ fault: { offset: at, expected }, items });

  for (;;) {
    at += match(blank)?.length ?? 0;
    const char = text[at];
    if (expect === 'end' && char === undefined) return { items };
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
      top!.name = JSON.parse(text.slice(start, at)) as string;
      expect = ':';
    } else if (expect === 'value' || expect === 'value or ]') {
      if (open.length === 2 && top!.close === ']' && open[0]!.close === '}' && open[0]!.name === member) items.push(at);
      if (char === '{' || char === '[') {
        open.push({ close: char === '{' ? '}' : ']', name: '' });
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
        at += found.length;
        expect = after();
      }
    } else return fault(expectations[expect]);
  }
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
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', start)) {
    line++;
    start = end + 1;
  }
  return { line, column: offset - start + 1 };
}
