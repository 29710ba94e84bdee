import type { Picture } from './fourViews.ts';
import type { Tree } from './steps.ts';
import { shows, type View } from './view.ts';

const codes = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };

type Colour = keyof typeof codes;
type Paint = (text: string, colour: Colour) => string;
type Cell = readonly [text: string, colour?: Colour];
type Row = readonly Cell[];

const coloured: Paint = (text, colour) => `\u001b[${codes[colour]}m${text}\u001b[0m`;
const plain: Paint = (text) => text;

/** Columns that do not jump when `initial` becomes `reconnected`. */
const narrowest = 14;

/** A picture as lines: a row for each key, a column for each store, and below what each of them has told. */
function linesOf({ step, views, isEqual }: Picture, paint: Paint): readonly string[] {
  const head: Row = [[''], ...views.map(({ name }): Cell => [name, 'bold'])];
  const [keys, below] = [rowsOfKeys(step.tree, views), rowsBelow(views)];
  const widths = head.map((_, column) =>
    Math.max(narrowest, ...[head, ...keys, ...below].map((row) => (row[column]?.[0] ?? '').length + 2)),
  );
  const line = (row: Row): string => {
    const cells = row.map(([text, colour], column) => {
      const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - text.length));
      return (colour === undefined ? text : paint(text, colour)) + padding;
    });
    return `  ${cells.join('').trimEnd()}`;
  };
  const rule = line([['─'.repeat(widths.reduce((sum, width) => sum + width, 1)), 'dim']]);
  return [
    `${paint(`step ${step.index}`, 'bold')}: ${step.title}`,
    ...[line(head), rule, ...keys.map(line), rule, ...below.map(line), rule],
    line([verdict(views, step.tree, isEqual)]),
  ];
}

function rowsOfKeys(wanted: Tree, views: readonly View[]): readonly Row[] {
  const keys = [...new Set([wanted, ...views.map(({ tree = {} }) => tree)].flatMap(Object.keys))].sort();
  if (keys.length === 0) return [[['no keys', 'dim']]];
  return keys.map((key): Row => {
    const value = (tree: Tree | undefined) => tree?.[key];
    const cells = views.map(({ tree }): Cell => {
      const text = value(tree) ?? (tree === undefined ? '?' : '·');
      return [text, tree !== undefined && value(tree) === wanted[key] ? 'green' : 'yellow'];
    });
    return [[key], ...cells, cells.every(([, colour]) => colour === 'green') ? ['=', 'green'] : ['≠', 'yellow']];
  });
}

function rowsBelow(views: readonly View[]): readonly Row[] {
  const row = (name: string, cellOf: (view: View) => Cell): Row => [[name, 'dim'], ...views.map(cellOf)];
  return [
    row('connection', ({ state }) => [state, state === 'live' ? 'green' : 'red']),
    row('resyncs', ({ resyncs }) => [String(resyncs)]),
    row('  the last', ({ reason = '' }) => [reason]),
    row('changes', ({ changes }) => [String(changes)]),
    row('revision', ({ revision = '' }) => [String(revision)]),
  ];
}

function verdict(views: readonly View[], tree: Tree, isEqual: boolean): Cell {
  const names = (of: readonly View[]) => of.map(({ name }) => name).join(', ');
  if (!isEqual) return [`≠ not yet as written: ${names(views.filter((view) => !shows(view, tree)))}`, 'yellow'];
  const away = views.filter(({ state }) => state !== 'live');
  if (away.length > 0) return [`= equal, as far as they were heard of last: ${names(away)}`, 'yellow'];
  return ['= the four views are equal', 'green'];
}

/** A terminal: each picture takes the place of the one before it. */
export function terminal(out: Pick<NodeJS.WriteStream, 'write' | 'columns'>): (picture: Picture) => void {
  const paint = process.env['NO_COLOR'] ? plain : coloured;
  return (picture) => {
    const why = picture.views.flatMap(({ name, cause }) => (cause === undefined ? [] : [`${name}: ${cause}`]));
    // Longer ones would be broken, and the picture would not fit its place. A terminal may not know its width.
    const notes = why.map((text) => paint(`  ${text}`.slice(0, out.columns || 80), 'dim'));
    // From the top, each line to its end, and what was below goes.
    const lines = [...linesOf(picture, paint), ...notes].map((line) => `${line}\u001b[K\n`);
    out.write(`\u001b[H${lines.join('')}\u001b[J`);
  };
}

/** A file or a pipe: a picture when all that can be reached show what was written, and a line when a store goes or comes back. */
export function paper(out: { write(text: string): unknown }): (picture: Picture) => void {
  const away = new Set<string>();
  let last = '';
  return (picture) => {
    for (const { name, state, cause } of picture.views) {
      if (state === 'away' && !away.has(name)) out.write(`! ${name} is away: ${cause}\n`);
      if (state === 'live' && away.has(name)) out.write(`! ${name} is back\n`);
      if (state === 'away') away.add(name);
      if (state === 'live') away.delete(name);
    }
    const { step, views, isEqual } = picture;
    const isSettled = views.every((view) => away.has(view.name) || shows(view, step.tree));
    const what = [step.index, isEqual, ...away].join();
    if (!isSettled || what === last) return;
    last = what;
    out.write(`${linesOf(picture, plain).join('\n')}\n\n`);
  };
}
