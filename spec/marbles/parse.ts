import { notation } from '../../lib/testing/notation.ts';
import { type Line, MarbleSyntaxError, type Marbles, parseMarbles } from './parseMarbles.ts';

/** A `.marble` file: see `marbles/README.md` for the grammar. */
export interface Diagram {
  readonly file: string;
  /** The file's name without `.marble`. */
  readonly name: string;
  /** Paragraphs of prose. */
  readonly caption: readonly string[];
  /** What goes in: the first row is cold, the others are hot and in scope of the expressions under their titles. */
  readonly inputs: readonly [Row, ...Row[]];
  readonly stages: readonly Stage[];
}

/** A line of marbles with what stands under it. */
export interface Row extends Marbles {
  readonly line: number;
  readonly title: string;
  /** The texts of all marbles in force here: its own and those of the rows above. */
  readonly values: Readonly<Record<string, string>>;
  /** What `#` says. */
  readonly error: string;
  /** When an input is expected to be subscribed. */
  readonly subs: string | undefined;
  /** When the last row is unsubscribed. */
  readonly unsub: string | undefined;
}

/** An operator and what comes out of it. */
export interface Stage {
  readonly line: number;
  /** JavaScript, in as many lines as it was written, with the library's exports and the further inputs in scope. */
  readonly expression: string;
  /** The invariants that fail without this stage. */
  readonly without: readonly string[];
  readonly result: Row;
}

interface Definition extends Line {
  readonly text: string;
  used: boolean;
}

const optionsOf = { input: ['title', 'subs'], result: ['title', 'unsub'], stage: ['without'] } as const;

/** Parses a `.marble` file; errors say file, line and column. */
export function parse(text: string, file: string): Diagram {
  return new Parser(text, file).diagram();
}

class Parser {
  readonly #file: string;
  readonly #blocks: Line[][];
  readonly #definitions = new Map<string, Definition>();
  readonly #titles = new Set<string>();
  #lastLine = 1;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#blocks = blocksOf(text);
  }

  diagram(): Diagram {
    const caption: string[] = [];
    const inputs: Row[] = [];
    const stages: Stage[] = [];
    for (let block = this.#next(); block !== undefined; block = this.#next()) {
      const [first] = block;
      if (first.content.startsWith('%')) caption.push(this.#prose(block));
      else if (first.content.startsWith('>')) stages.push(this.#stage(block));
      else if (stages.length === 0) inputs.push(this.#row(block, 'input'));
      else this.#fail(first, 1, "expected '>' before a second row of results");
    }
    const end: Line = { number: this.#lastLine, content: '' };
    if (caption.length === 0) this.#fail(end, 1, "expected a line of prose that starts with '%'");
    if (inputs[0] === undefined) this.#fail(end, 1, 'expected a row of marbles that goes in');
    if (stages.length === 0) this.#fail(end, 1, "expected an expression that starts with '>'");
    for (const [marble, definition] of this.#definitions) {
      if (!definition.used) this.#fail(definition, 1, `'${marble}' is defined but occurs in no row from here on`);
    }
    this.#checkUnsub(stages);
    const name = this.#file.replace(/^.*\//, '').replace(/\.marble$/, '');
    return { file: this.#file, name, caption, inputs: inputs as [Row, ...Row[]], stages };
  }

  #next(): [Line, ...Line[]] | undefined {
    const block = this.#blocks.shift() as [Line, ...Line[]] | undefined;
    if (block !== undefined) this.#lastLine = block.at(-1)!.number;
    return block;
  }

  #prose(block: readonly Line[]): string {
    const lines = block.map((line) => {
      if (!line.content.startsWith('%')) this.#fail(line, 1, "expected '%', or an empty line after the prose");
      return line.content.slice(1).trim();
    });
    return lines.join(' ');
  }

  #stage(block: readonly Line[]): Stage {
    const code = block.filter(({ content }) => content.startsWith('>'));
    const [first] = block as [Line];
    const expression = code.map(({ content }) => content.replace(/^> ?/, '')).join('\n');
    if (expression.trim() === '') this.#fail(first, 2, 'expected an expression');
    const options = this.#options(block.slice(code.length), 'stage');
    const without = options.get('without');
    const invariants = without === undefined ? [] : without.text.split(/[ ,]+/);
    const odd = invariants.find((invariant) => !/^I\d+$/.test(invariant));
    if (without !== undefined && odd !== undefined)
      this.#fail(without, columnOf(without), `expected invariants such as I9 I12, found '${odd}'`);
    const result = this.#next();
    if (result === undefined || /^[%>]/.test(result[0].content)) {
      this.#fail(result?.[0] ?? block.at(-1)!, 1, 'expected a row with what comes out of the expression');
    }
    return { line: first.number, expression, without: invariants, result: this.#row(result, 'result') };
  }

  #row(block: [Line, ...Line[]], kind: 'input' | 'result'): Row {
    const [first, ...rest] = block;
    const marbles = parseMarbles(first, this.#file);
    const options = this.#options(rest, kind);
    const title = options.get('title');
    if (title === undefined) this.#fail(first, 1, "expected 'title = …' under the row");
    if (this.#titles.has(title.text)) this.#fail(title, columnOf(title), `another row has the title '${title.text}'`);
    if (kind === 'input' && !/^[A-Za-z]\w*$/.test(title.text)) {
      this.#fail(
        title,
        columnOf(title),
        `expected a name as in JavaScript, found '${title.text}': other rows refer to it`,
      );
    }
    this.#titles.add(title.text);
    for (const marble of marbles.marbles) this.#use(marble.letter, first, marble.column);
    if (marbles.end?.kind === 'error') this.#use('#', first, 1);
    const texts = [...this.#definitions].map(([marble, { text }]) => [marble, text] as const);
    return {
      ...marbles,
      line: first.number,
      title: title.text,
      values: Object.fromEntries(texts.filter(([marble]) => marble !== '#')),
      error: this.#definitions.get('#')?.text ?? 'error',
      subs: this.#subscription(options.get('subs')),
      unsub: this.#subscription(options.get('unsub')),
    };
  }

  /** Reads `key = value` into the result, and `X := text` into the definitions. */
  #options(lines: readonly Line[], kind: keyof typeof optionsOf): ReadonlyMap<string, Definition> {
    const options = new Map<string, Definition>();
    for (const line of lines) {
      const [, name, sign, text] = /^(\S+) *(:=|=) *(.*)$/.exec(line.content) ?? [];
      if (name === undefined || text === undefined) this.#fail(line, 1, "expected 'key = value' or 'X := text'");
      if (sign === ':=' && kind !== 'stage') this.#define(name, { ...line, text, used: false });
      else if (!(optionsOf[kind] as readonly string[]).includes(name))
        this.#fail(line, 1, `expected one of ${optionsOf[kind].join(', ')}, found '${name}'`);
      else if (options.has(name)) this.#fail(line, 1, `'${name}' is there already`);
      else if (text === '') this.#fail(line, line.content.length + 1, 'expected a value');
      else options.set(name, { ...line, text, used: false });
    }
    return options;
  }

  #define(name: string, definition: Definition): void {
    if (!/^([A-Za-z]|#)$/.test(name))
      this.#fail(definition, 1, `expected one letter or '#' before ':=', found '${name}'`);
    const before = this.#definitions.get(name);
    if (before !== undefined && !before.used)
      this.#fail(before, 1, `'${name}' is defined but occurs in no row before line ${definition.number}`);
    if (name !== '#') this.#checkText(definition);
    this.#definitions.set(name, definition);
  }

  #checkText(definition: Definition): void {
    try {
      notation.parse(definition.text);
    } catch (error) {
      const { column = 1, message } = error as { column?: number; message: string };
      const expected = message.replace(/^.*?: /, '').replace(/\n.*/s, '');
      this.#fail(definition, columnOf(definition) + column - 1, expected);
    }
  }

  #use(marble: string, line: Line, column: number): void {
    const definition = this.#definitions.get(marble);
    if (definition !== undefined) definition.used = true;
    else if (/[A-Za-z]/.test(marble))
      this.#fail(line, column, `'${marble}' has no value: expected '${marble} := …' under this row or above`);
  }

  #subscription(option: Definition | undefined): string | undefined {
    if (option !== undefined && !/^-*\^-*!?$/.test(option.text)) {
      this.#fail(option, columnOf(option), `expected marbles such as ^---!, found '${option.text}'`);
    }
    return option?.text;
  }

  #checkUnsub(stages: readonly Stage[]): void {
    const early = stages.slice(0, -1).find(({ result }) => result.unsub !== undefined);
    if (early !== undefined)
      this.#fail({ number: early.result.line, content: '' }, 1, "expected 'unsub' under the last row only");
  }

  #fail(line: Line, column: number, message: string): never {
    throw new MarbleSyntaxError(this.#file, line.number, column, message);
  }
}

function columnOf({ content, text }: Definition): number {
  return content.lastIndexOf(text) + 1;
}

function blocksOf(text: string): Line[][] {
  const blocks: Line[][] = [[]];
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.trimEnd();
    if (content === '') blocks.push([]);
    else blocks.at(-1)!.push({ number: index + 1, content });
  }
  return blocks.filter((block) => block.length > 0);
}
