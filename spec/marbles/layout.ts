import { read, reasonWords, type Written, type WrittenEvent } from '../../lib/testing/notationText.ts';
import type { Diagram, Row } from './parse.ts';

/** Pixels. Text is set in a monospace font, so that its width is known without measuring. */
export const size = { step: 40, marble: 14, margin: 20, title: 13, label: 11, code: 13, minWidth: 460 } as const;

/** How wide a character of a monospace font is, per pixel of its size; a little more than usual, for fonts that run wide. */
const advance = 0.615;

export function textWidth(text: string, fontSize: number): number {
  return [...text].length * fontSize * advance;
}

/** Time to pixels: a frame is a step; a long time in which nothing happens in any row is cut short. */
export interface Axis {
  readonly x: (frame: number) => number;
  readonly end: number;
  /** Where time is cut short, and how much of it. */
  readonly cuts: readonly { readonly x: number; readonly frames: number }[];
}

const longest = 12;
const cutTo = 4;

export function axisOf(diagram: Diagram, left: number): Axis {
  const rows = rowsOf(diagram);
  const groupLength = (row: Row): number =>
    Math.max(0, ...[...row.marbles, ...(row.end ? [row.end] : [])].map((marble) => marble.frame + marble.inGroup));
  const events = rows.flatMap((row) =>
    [...row.marbles, ...(row.end ? [row.end] : [])].flatMap((marble) => [marble.frame, marble.frame + marble.inGroup]),
  );
  const last = Math.max(...rows.map((row) => Math.max(row.length - 1, groupLength(row))));
  const stops = [...new Set([0, ...events, last])].sort((a, b) => a - b);
  const places = new Map<number, number>();
  const cuts: { x: number; frames: number }[] = [];
  let x = left + size.marble + 6;
  let before = 0;
  for (const stop of stops) {
    const frames = stop - before;
    if (frames > longest) cuts.push({ x: x + (cutTo * size.step) / 2, frames });
    x += (frames > longest ? cutTo : frames) * size.step;
    places.set(stop, x);
    before = stop;
  }
  const xOf = (frame: number): number => {
    const known = places.get(frame);
    if (known !== undefined) return known;
    const stop = stops.filter((other) => other < frame).at(-1) ?? 0;
    return Math.min(x, places.get(stop)! + (frame - stop) * size.step);
  };
  return { x: xOf, end: x + size.step * 0.75, cuts };
}

export function rowsOf({ inputs, stages }: Diagram): readonly Row[] {
  return [...inputs, ...stages.map(({ result }) => result)];
}

/** About how long, as the grammar writes it. */
export function durationText(frames: number): string {
  return frames < 1_000 ? `${frames}ms` : `${Math.round(frames / 100) / 10}s`;
}

/** A marble, ready to be drawn. */
export interface Placed {
  readonly letter: string;
  readonly x: number;
  readonly frame: number;
  readonly text: string | undefined;
  readonly kind: Kind;
  /** Of an outcome. */
  readonly outcome: string | undefined;
  readonly label: Label;
}

export interface Kind {
  readonly shape: 'snapshot' | 'change' | 'state' | 'signal';
  readonly puts: boolean;
  readonly deletes: boolean;
  readonly rejected: boolean;
  readonly several: boolean;
  readonly coalesced: boolean;
}

/** The lines under a marble: value, revision with reason, outcome. Empty where there is no room: then the list below has it. */
export type Label = readonly [value: string, revision: string, outcome: string];

export function placeRow(
  row: Row,
  axis: Axis,
): { readonly marbles: readonly Placed[]; readonly listed: readonly Placed[] } {
  const marbles = row.marbles.map(({ letter, frame, inGroup }): Placed => {
    const text = row.values[letter];
    const written = text === undefined ? undefined : read(text);
    const x = axis.x(frame) + inGroup * size.step;
    return {
      letter,
      x,
      frame,
      text,
      kind: kindOf(written),
      outcome: written?.type === 'outcome' ? written.outcome : undefined,
      label: labelOf(text),
    };
  });
  return shorten(marbles, axis);
}

function kindOf(written: Written | undefined): Kind {
  if (written === undefined)
    return { shape: 'signal', puts: false, deletes: false, rejected: false, several: false, coalesced: false };
  const event: WrittenEvent | Extract<Written, { type: 'state' }> =
    written.type === 'outcome' ? written.event : written;
  const { items } = event;
  return {
    shape: event.type === 'resync' ? 'snapshot' : event.type,
    puts: items.some(({ mark, rejected }) => mark !== '!' && !rejected),
    deletes: items.some(({ mark }) => mark === '!'),
    rejected: items.some(({ rejected }) => rejected),
    several: items.length > 1,
    coalesced: event.type === 'change' && event.coalesced,
  };
}

/** `{x:1}@7 nacked failed "no route"` in three lines; the error's text is left to the list below. */
function labelOf(text = ''): Label {
  const [, value = text, revision = '', reason = '', outcome = ''] = parts.exec(text) ?? [];
  return [value, `${revision} ${reason}`.trim(), outcome];
}

const parts = new RegExp(`^(.*)(@\\d+)(?: (${reasonWords.join('|')}))?(?: (\\w+).*)?$`);

/** Takes lines away, the longest first, until no two of them touch and none leaves the picture. */
function shorten(marbles: readonly Placed[], axis: Axis): ReturnType<typeof placeRow> {
  const shown = [...marbles];
  const listed = new Set<number>();
  const half = (index: number, line: number): number => textWidth(shown[index]?.label[line] ?? '', size.label) / 2;
  const clash = (line: number) => (_: unknown, index: number) => {
    const { x } = shown[index]!;
    if (half(index, line) === 0) return false;
    if (x + half(index, line) > axis.end + 8) return true;
    const next = shown.findIndex((_other, other) => other > index && half(other, line) > 0);
    return next !== -1 && x + half(index, line) + 7 > shown[next]!.x - half(next, line);
  };
  for (const line of [0, 1, 2]) {
    for (let at = shown.findIndex(clash(line)); at !== -1; at = shown.findIndex(clash(line))) {
      const next = shown.findIndex((_other, other) => other > at && half(other, line) > 0);
      const longer = half(next, line) > half(at, line) ? next : at;
      const { label } = shown[longer]!;
      const [revision = '', reason] = label[1].split(' ');
      const left: Label =
        line === 0
          ? ['', label[1], label[2]]
          : line === 1
            ? [label[0], reason === undefined ? '' : revision, label[2]]
            : [label[0], label[1], ''];
      shown[longer] = { ...shown[longer]!, label: left };
      listed.add(longer);
    }
  }
  for (const [index, { text = '' }] of shown.entries()) if (/ failed.*"$/.test(text)) listed.add(index);
  return { marbles: shown, listed: shown.filter((_, index) => listed.has(index)) };
}
