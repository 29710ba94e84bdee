/** A line of a file, without the space at its end; lines count from 1. */
export interface Line {
  readonly number: number;
  readonly content: string;
}

/** A wrong `.marble` file: what was expected, and where. Lines and columns count from 1. */
export class MarbleSyntaxError extends Error {
  override readonly name = 'MarbleSyntaxError';
  readonly file: string;
  readonly line: number;
  readonly column: number;

  constructor(file: string, line: number, column: number, message: string) {
    super(`${file}:${line}:${column}: ${message}`);
    this.file = file;
    this.line = line;
    this.column = column;
  }
}

/** One letter or digit, at a moment of virtual time. */
export interface Marble {
  readonly letter: string;
  readonly frame: number;
  /** Where it stands in the line. */
  readonly column: number;
  /** Its place among those of the same moment, in brackets: from 0. */
  readonly inGroup: number;
}

/** A row's marbles with the times they stand for. */
export interface Marbles {
  readonly text: string;
  readonly marbles: readonly Marble[];
  readonly end: { readonly kind: 'complete' | 'error'; readonly frame: number; readonly inGroup: number } | undefined;
  /** The number of frames it spans. */
  readonly length: number;
}

const units = { ms: 1, s: 1_000, m: 60_000 } as const;

/** Parses a line in the grammar of rxjs `TestScheduler.run`, without `^`: one frame per character, `(ab)`, `10ms `, `|`, `#`. */
export function parseMarbles(line: Line, file: string): Marbles {
  const text = line.content;
  const marbles: Marble[] = [];
  let end: Marbles['end'];
  let frame = 0;
  let group: { readonly frame: number; readonly column: number; size: number } | undefined;
  const fail = (index: number, message: string): never => {
    throw new MarbleSyntaxError(file, line.number, index + 1, message);
  };
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    const [progression, amount, unit] =
      i === 0 || text.charAt(i - 1) === ' ' ? (/^(\d+(?:\.\d+)?)(ms|s|m)(?: |$)/.exec(text.slice(i)) ?? []) : [];
    if (end !== undefined && !/[-) ]/.test(character)) fail(i, 'expected nothing after the end of the stream');
    if (progression !== undefined) {
      if (group !== undefined) fail(i, "expected ')' before time goes on");
      if (!progression.endsWith(' '))
        fail(i + progression.length, `expected a space and something more after ${progression}`);
      frame += Number(amount) * units[unit as keyof typeof units];
      i += progression.length - 1;
      continue;
    }
    if (character === ' ') {
      // rxjs does not count it: a space that pads would move what follows.
      if (!/^ \d+(\.\d+)?(ms|s|m) /.test(text.slice(i)))
        fail(i, "expected '-': a space stands only around a time such as 10ms");
      continue;
    }
    const at = group?.frame ?? frame;
    const inGroup = group?.size ?? 0;
    if (character === '(') {
      if (group !== undefined) fail(i, "expected ')' before another '('");
      group = { frame, column: i + 1, size: 0 };
    } else if (character === ')') {
      if (group === undefined) fail(i, "expected '(' before ')'");
      group = undefined;
    } else if (character === '|' || character === '#') {
      end = { kind: character === '|' ? 'complete' : 'error', frame: at, inGroup };
    } else if (/[A-Za-z0-9]/.test(character)) {
      marbles.push({ letter: character, frame: at, column: i + 1, inGroup });
    } else if (character !== '-' || group !== undefined) {
      fail(i, `expected a letter, a digit or one of - ( ) | #, found '${character}'`);
    }
    if (group !== undefined && character !== '(') group.size++;
    frame++;
  }
  if (group !== undefined) fail(text.length, `expected ')' for the '(' of column ${group.column}`);
  return { text, marbles, end, length: frame };
}
