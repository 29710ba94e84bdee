import {
  type Axis,
  axisOf,
  durationText,
  type Kind,
  type Placed,
  placeRow,
  rowsOf,
  size,
  textWidth,
} from './layout.ts';
import type { Diagram, Row, Stage } from './parse.ts';
import { arrowHead, depth, ending, escaped, labels, marble, n, outcomeRole, textAt } from './shapes.ts';
import { styleSheet } from './theme.ts';

/**
 * Draws a diagram: squares are snapshots, circles are changes, time goes right, operators stand between the rows.
 * The same diagram gives the same text, byte by byte.
 */
export function render(diagram: Diagram): string {
  return new Picture(diagram).svg();
}

class Picture {
  readonly #diagram: Diagram;
  readonly #axis: Axis;
  readonly #width: number;
  readonly #back: string[] = [];
  readonly #front: string[] = [];
  readonly #listed: { readonly placed: Placed; readonly title: string }[] = [];
  readonly #used: Placed[] = [];
  readonly #errors = new Set<string>();
  #y: number = size.margin;
  /** The row above: outcomes point there. */
  #above: { readonly y: number; readonly marbles: readonly Placed[] } = { y: 0, marbles: [] };

  constructor(diagram: Diagram) {
    this.#diagram = diagram;
    const titles = rowsOf(diagram).map(({ title }) => textWidth(title, size.title) * 0.95);
    this.#axis = axisOf(diagram, size.margin + Math.max(...titles) + 10);
    this.#width = Math.max(size.minWidth, this.#axis.end + size.margin);
  }

  svg(): string {
    const { inputs, stages, name, caption } = this.#diagram;
    for (const row of inputs) this.#row(row);
    for (const stage of stages) {
      this.#box(stage);
      this.#row(stage.result);
    }
    this.#guides();
    this.#list();
    this.#key();
    const [width, height] = [Math.ceil(this.#width), Math.ceil(this.#y + size.margin - 6)];
    const title = escaped(`${name}: ${caption.join(' ')}`);
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
      `<title>${title}</title>`,
      `<style>${styleSheet()}</style>`,
      `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10" class="paper"/>`,
      ...this.#back,
      ...this.#front,
      '</svg>',
      '',
    ].join('\n');
  }

  #row(row: Row): void {
    const { marbles, listed } = placeRow(row, this.#axis);
    const top = size.marble + (marbles.some(({ outcome }) => outcome !== undefined) ? 12 : 6);
    const y = this.#y + top;
    this.#front.push(textAt(size.margin, y + 4.5, row.title, 'title'));
    this.#line(row, y);
    for (const { x, outcome } of marbles) if (outcome !== undefined) this.#arrow(x, y, outcome);
    this.#front.push(...marbles.map((each) => marble(each, y)), ...labels(marbles, y));
    this.#listed.push(...listed.map((placed) => ({ placed, title: row.title })));
    this.#used.push(...marbles);
    this.#y = y + depth(marbles) + 8;
    this.#above = { y, marbles };
    if (row.subs !== undefined) this.#lifetime(row.subs, 'subscribed');
    if (row.unsub !== undefined) this.#lifetime(row.unsub, 'subscribed');
  }

  #line({ end, marbles, error }: Row, y: number): void {
    const { x, end: right, cuts } = this.#axis;
    const stop = end === undefined ? right : x(end.frame) + end.inGroup * size.step;
    this.#back.push(`<path d="M${n(x(0))} ${n(y)}H${n(end === undefined ? stop - 6 : stop)}" class="axis"/>`);
    for (const cut of cuts) {
      if (cut.x < stop) this.#front.push(`<path d="M${n(cut.x - 6)} ${n(y + 6)}l6 -12m4 0l-6 12" class="axis"/>`);
      if (cut.x < stop) this.#front.push(textAt(cut.x, y - 10, durationText(cut.frames), 'muted'));
    }
    if (end === undefined) this.#front.push(arrowHead(stop, y));
    else this.#front.push(ending(end.kind, stop, y));
    if (end?.kind === 'error') this.#errors.add(error);
    // Marbles of one moment, side by side in a frame of their own.
    const groups = new Map<number, number>();
    for (const { frame, inGroup } of end === undefined ? marbles : [...marbles, end]) {
      if (inGroup > 0) groups.set(frame, Math.max(inGroup, groups.get(frame) ?? 0));
    }
    for (const [frame, last] of groups) {
      const half = size.marble + 5;
      this.#back.push(
        `<rect x="${n(x(frame) - half)}" y="${n(y - half)}" width="${n(last * size.step + 2 * half)}" height="${2 * half}" rx="${half}" class="group"/>`,
      );
    }
  }

  #arrow(x: number, y: number, outcome: string): void {
    const role = outcomeRole(outcome);
    // Up to the axis of the row above, or to what stands there.
    const isTaken = this.#above.marbles.some((other) => Math.abs(other.x - x) < size.marble);
    const tip = this.#above.y + (isTaken ? depth(this.#above.marbles) : 2);
    this.#back.push(
      `<path d="M${n(x)} ${n(y - size.marble)}V${n(tip + 7)}" class="line ${role}" stroke-dasharray="2 3"/>` +
        `<path d="M${n(x)} ${n(tip)}l-4.5 8h9z" class="${role}"/>`,
    );
  }

  #box({ expression, without }: Stage): void {
    const left = size.margin;
    const width = this.#width - 2 * size.margin;
    const lines = wrap(expression, Math.floor(width / textWidth('m', size.code)) - 3);
    const height = lines.length * 18 + 14;
    this.#y += 2;
    this.#front.push(
      `<rect x="${n(left)}" y="${n(this.#y)}" width="${n(width)}" height="${height}" rx="7" class="box"/>`,
    );
    const longest = Math.max(...lines.map((line) => textWidth(line, size.code)));
    for (const [i, line] of lines.entries()) {
      const indent = textWidth(/^ */.exec(line)![0], size.code);
      this.#front.push(textAt(left + (width - longest) / 2 + indent, this.#y + 20 + i * 18, line.trim(), 'code start'));
    }
    this.#y += height;
    if (without.length > 0) {
      this.#front.push(
        textAt(
          left + width / 2,
          this.#y + 14,
          `without it ${without.join(' and ')} ${without.length > 1 ? 'fail' : 'fails'}`,
          'muted halo',
        ),
      );
      this.#y += 15;
    }
    this.#y += 6;
  }

  #lifetime(marbles: string, title: string): void {
    const [from, to] = [marbles.indexOf('^'), marbles.indexOf('!')];
    const y = this.#y + 4;
    const start = this.#axis.x(from);
    const stop = to === -1 ? this.#axis.end : this.#axis.x(to);
    this.#front.push(textAt(size.margin, y + 4, title, 'muted start'));
    this.#front.push(
      `<path d="M${n(start)} ${n(y - 4)}v8m0 -4H${n(stop)}${to === -1 ? '' : 'm0 -4v8'}" class="axis"/>`,
    );
    this.#y += 16;
  }

  /** Faint lines through all rows at the moments in which something happens. */
  #guides(): void {
    const places = [...new Set(this.#used.map(({ frame }) => n(this.#axis.x(frame))))];
    this.#back.unshift(...places.map((x) => `<path d="M${x} ${size.margin}V${n(this.#y - 6)}" class="guide"/>`));
  }

  /** What has no room under its marble. A letter that means different things in different rows says in which. */
  #list(): void {
    const isAmbiguous = (letter: string): boolean =>
      new Set(this.#used.filter((other) => other.letter === letter).map(({ text }) => text)).size > 1;
    const lines = this.#listed.map(
      ({ placed: { letter, text }, title }) => `${letter} = ${text}${isAmbiguous(letter) ? ` (${title})` : ''}`,
    );
    const errors = [...this.#errors].map((error) => `# = ${error}`);
    const limit = Math.floor((this.#width - 2 * size.margin) / textWidth('m', size.label));
    for (const line of [...new Set([...lines, ...errors])].flatMap((text) => fold(text, limit, '    ', /(?<=\S )/))) {
      this.#y += 16;
      const indent = textWidth(/^ */.exec(line)![0], size.label);
      this.#front.push(textAt(size.margin + indent, this.#y, line.trim(), 'value start'));
    }
    if (lines.length + errors.length > 0) this.#y += 4;
  }

  /** What the shapes of this diagram mean. */
  #key(): void {
    let x: number = size.margin + 7;
    this.#y += 18;
    for (const [name, sample, isUsed] of samples) {
      if (!this.#used.some(isUsed)) continue;
      const width = textWidth(name, size.label) + 38;
      if (x + width > this.#width - size.margin + 14) {
        x = size.margin + 7;
        this.#y += 20;
      }
      this.#front.push(
        `<g transform="translate(${n(x)} ${n(this.#y - 4)}) scale(.5)">${marble(sample, 0).replace(' class="marble"', '')}</g>`,
      );
      this.#front.push(textAt(x + 13, this.#y, name, 'muted start'));
      x += width;
    }
  }
}

const plain: Kind = { shape: 'change', puts: false, deletes: false, rejected: false, several: false, coalesced: false };

function sample(kind: Partial<Kind>, outcome?: string): Pick<Placed, 'letter' | 'x' | 'kind' | 'outcome'> {
  return { letter: '', x: 0, kind: { ...plain, ...kind }, outcome };
}

const samples: readonly (readonly [string, ReturnType<typeof sample>, (placed: Placed) => boolean])[] = [
  ['snapshot', sample({ shape: 'snapshot' }), ({ kind }) => kind.shape === 'snapshot'],
  ['put', sample({ puts: true }), ({ kind }) => kind.shape === 'change' && kind.puts],
  ['delete', sample({ deletes: true }), ({ kind }) => kind.shape === 'change' && kind.deletes],
  ['one transaction', sample({ puts: true, several: true }), ({ kind }) => kind.shape === 'change' && kind.several],
  ['coalesced', sample({ puts: true, coalesced: true }), ({ kind }) => kind.coalesced],
  ['rejected', sample({ rejected: true }), ({ kind }) => kind.rejected],
  ['state', sample({ shape: 'state' }), ({ kind }) => kind.shape === 'state'],
  ['signal', sample({ shape: 'signal' }), ({ kind }) => kind.shape === 'signal'],
];

/** Breaks an expression after commas, else after spaces, where it is too long for one line; what follows is indented. */
function wrap(code: string, limit: number): string[] {
  return code.split('\n').flatMap((line) => {
    const indent = `${/^ */.exec(line)![0]}    `;
    return fold(line, limit, indent, /(?<=, )/).flatMap((part) => fold(part, limit, indent, /(?<=\S )/));
  });
}

/** Fills lines with the pieces of a text; a piece that is too long by itself is cut. */
function fold(text: string, limit: number, indent: string, separator: RegExp): string[] {
  const lines = [''];
  for (const piece of text.split(separator)) {
    if ((lines.at(-1)! + piece).trimEnd().length > limit && lines.at(-1)!.trim() !== '') lines.push(indent);
    lines[lines.length - 1] += piece;
  }
  if (separator.source.includes(',')) return lines;
  const cut = new RegExp(`.{1,${limit}}`, 'gu');
  return lines.flatMap((line) => line.trimEnd().match(cut) ?? []);
}
