import { setImmediate } from 'node:timers/promises';
import { decodeText } from '../../internal/bytes.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { RawEntry } from '../../source/frames.ts';
import { align, type Part } from './alignment.ts';
import { parseError } from './fault.ts';
import { placer } from './jsonText.ts';
import { LayeredMap } from './layeredMap.ts';
import { type Entries, itemEntry, lacksEnd, type Place, type Reading } from './parse.ts';
import { type Layout, layoutOf } from './yamlItems.ts';

/** Bytes from which on it pays to keep a file, and to parse again only what has changed in it. */
const large: number = 1 << 18;
const newline = 0x0a;
const hash = 0x23;
const blanks: ReadonlySet<number> = new Set([newline, 0x0d, 0x20, 0x09]);
/** Bytes that are parsed at once: a larger text blocks the event loop for longer, and takes 40 times its size meanwhile. */
const batch = 1 << 18;

/** What is kept of a large file: its text, and which key each of its items has. */
export interface Kept {
  readonly bytes: Buffer;
  readonly layout: Layout;
  readonly keys: readonly string[];
  /** The items whose entry is an error, which says where they stand: that changes with what is before them. */
  readonly wrong: readonly number[];
}

/** What a large file says. */
export interface LargeFile {
  readonly entries: Entries;
  readonly kept: Kept;
}

/** Which keys differ between two versions of a file; the older one is not kept alive by that. */
const differences = new WeakMap<Entries, { readonly before: WeakRef<Entries>; readonly keys: ReadonlySet<string> }>();

/** The keys that may differ between two versions of one file, where that is known. */
export function differing(before: object, after: Entries): ReadonlySet<string> | undefined {
  const known = differences.get(after);
  return known?.before.deref() === before ? known.keys : undefined;
}

/** Where some of the keys of a large file stand, each for the first time; without parsing it. */
export function keptPlaces({ bytes, layout, keys }: Kept, wanted: ReadonlySet<string>): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  let line = 1;
  let at = 0;
  for (const [index, key] of keys.entries()) {
    if (!wanted.has(key) || places.has(key)) continue;
    const start = layout.starts[index]!;
    const offset = contentBehind(bytes, start + layout.indent + 1);
    const lineStart = bytes.lastIndexOf(newline, offset - 1) + 1;
    for (; at < lineStart; at++) if (bytes[at] === newline) line++;
    places.set(key, { line, column: offset - lineStart + 1 });
    if (places.size === wanted.size) break;
  }
  return places;
}

/** The next character that is no space, no line break, and in no comment. */
function contentBehind(bytes: Buffer, offset: number): number {
  let at = offset;
  while (at < bytes.length) {
    if (bytes[at] === hash) at = bytes.indexOf(newline, at);
    else if (!blanks.has(bytes[at]!)) break;
    if (at === -1) return offset;
    at++;
  }
  return at;
}

/** Whether a file is read by {@link readPieces}. */
export function isLarge(bytes: Uint8Array, reading: Reading): boolean {
  return bytes.length >= large && reading.project === undefined;
}

/**
 * Reads a YAML file in pieces, and of one that was read before only the items that are not the same bytes.
 *
 * @param last what was read of it before, where it was read so
 * @returns `undefined` where it cannot be read so: it is to be parsed as a whole
 * @throws DatasyncError `PARSE_FAILED` where a part is no YAML, for then the whole is none either
 */
export async function readPieces(
  file: string,
  bytes: Buffer,
  last: LargeFile | undefined,
  reading: Reading,
  signal: AbortSignal,
): Promise<LargeFile | undefined> {
  if (lacksEnd(bytes.toString('utf8', Math.max(0, bytes.length - 1_000)), reading)) return undefined;
  const { endMarker } = reading;
  // It may stand elsewhere too.
  if (endMarker !== undefined && bytes.indexOf(`\n${endMarker}`) !== bytes.lastIndexOf(`\n${endMarker}`))
    return undefined;
  const { parseYamlItems, yamlFault } = await import('../../codecs/parseYaml.ts');
  const read: Read = (text, linesBefore) => {
    try {
      return parseYamlItems(text, 'data');
    } catch (cause) {
      const { line, ...fault } = yamlFault(cause);
      throw parseError(file, line === undefined ? fault : { ...fault, line: line + linesBefore() }, cause);
    }
  };
  const reader = new PieceReader(file, bytes, reading, read, signal);
  // Of items with the same key it is not known which of them the entry is of.
  const isUnique = last !== undefined && last.entries.size === last.kept.keys.length;
  const parts = isUnique ? align(last.kept.bytes, last.kept.layout, bytes) : undefined;
  try {
    return (parts && (await reader.again(last!, parts))) ?? (await reader.all());
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DatasyncError) throw error;
    return undefined;
  }
}

/** Parses a piece; `linesBefore` is what has to be added to its line numbers. */
type Read = (
  text: string,
  linesBefore: () => number,
) => { readonly values: readonly unknown[]; readonly offsets: readonly number[] } | undefined;

/** Not to be read in pieces. */
class Whole extends Error {}

/** Items that follow each other. */
interface Run {
  readonly starts: ArrayLike<number>;
  readonly end: number;
  /** How many items are before them. */
  readonly before: number;
  /** Why they are not used. */
  readonly wrong?: string;
}

class PieceReader {
  readonly #file: string;
  readonly #bytes: Buffer;
  readonly #reading: Reading;
  readonly #read: Read;
  readonly #signal: AbortSignal;

  /** How many lines end before an offset. */
  #lines = { at: 0, count: 0 };
  #unyielded = 0;

  constructor(file: string, bytes: Buffer, reading: Reading, read: Read, signal: AbortSignal) {
    this.#file = file;
    this.#bytes = bytes;
    this.#reading = reading;
    this.#read = read;
    this.#signal = signal;
  }

  async all(): Promise<LargeFile | undefined> {
    const layout = layoutOf(this.#bytes);
    if (layout === undefined) return undefined;
    const list = await this.#entries({ ...layout, before: 0 });
    const entries = new Map(list.map((entry) => [entry.key, entry]));
    if (entries.size !== list.length) await this.#refuseRepeated(list, layout, entries);
    const keys = list.map(({ key }) => key);
    return { entries, kept: { bytes: this.#bytes, layout, keys, wrong: wrongOf(list) } };
  }

  async #refuseRepeated(list: readonly RawEntry[], layout: Layout, entries: Map<string, RawEntry>): Promise<void> {
    const last = new Map<string, number>();
    const repeated = new Map<number, number>();
    for (const [index, { key }] of list.entries()) {
      const first = last.get(key);
      if (first !== undefined) {
        repeated.delete(first);
        repeated.set(index, first);
      }
      last.set(key, index);
    }
    for (const [index, first] of repeated) {
      const wrong = `repeats the key of data[${first}]`;
      const run = { starts: [layout.starts[index]!], end: endOfItem(layout, index + 1), before: index, wrong };
      for (const entry of await this.#entries(run)) entries.set(entry.key, entry);
    }
  }

  /** `undefined`: a key comes twice now. */
  async again({ entries: before, kept }: LargeFile, aligned: readonly Part[]): Promise<LargeFile | undefined> {
    const parts = aligned.flatMap((part) => withoutWrong(part, kept));
    const read: RawEntry[][] = [];
    let items = 0;
    for (const part of parts) {
      read.push(part.kept ? [] : await this.#entries({ ...part, before: items }));
      items += part.kept ? part.to - part.from : part.starts.length;
    }

    const changes = new Map<string, RawEntry | undefined>();
    let item = 0;
    for (const part of [...parts.filter(({ kept: same }) => same), end(kept.keys.length)] as Extract<
      Part,
      { kept: true }
    >[]) {
      for (; item < part.from; item++) changes.set(kept.keys[item]!, undefined);
      item = part.to;
    }
    for (const entry of read.flat()) {
      // It has the key of another one: that is to be said with both places.
      if (changes.has(entry.key) ? changes.get(entry.key) !== undefined : before.has(entry.key)) return undefined;
      changes.set(entry.key, entry);
    }
    const entries = LayeredMap.of(before, changes);
    differences.set(entries, { before: new WeakRef(before), keys: new Set(changes.keys()) });
    return { entries, kept: this.#kept(kept, parts, read) };
  }

  #kept({ keys, layout }: Kept, parts: readonly Part[], read: readonly RawEntry[][]): Kept {
    const count = parts.reduce((sum, part) => sum + (part.kept ? part.to - part.from : part.starts.length), 0);
    const starts = new Uint32Array(count);
    const now = new Array<string>(count);
    const wrong: number[] = [];
    let next = 0;
    for (const [index, part] of parts.entries()) {
      const own = part.kept ? layout.starts.subarray(part.from, part.to) : part.starts;
      starts.set(own, next);
      for (const item of wrongOf(read[index]!)) wrong.push(next + item);
      const shift = part.kept ? part.at - layout.starts[part.from]! : 0;
      for (let i = 0; i < own.length; i++) {
        starts[next]! += shift;
        now[next++] = part.kept ? keys[part.from + i]! : read[index]![i]!.key;
      }
    }
    const end = parts.at(-1)!;
    const last = end.kept ? end.at + (endOfItem(layout, end.to) - layout.starts[end.from]!) : end.end;
    return { bytes: this.#bytes, keys: now, wrong, layout: { indent: layout.indent, starts, end: last } };
  }

  /** The entries of items, parsed a piece at a time, with time for others between. */
  async #entries(run: Run): Promise<RawEntry[]> {
    const { starts, end } = run;
    const entries: RawEntry[] = [];
    for (let first = 0; first < starts.length; ) {
      let next = first + 1;
      while (next < starts.length && starts[next]! - starts[first]! < batch) next++;
      const behind = next === starts.length ? end : starts[next]!;
      this.#piece(run, first, next, behind, entries);
      // Small ones take more time than their bytes.
      this.#unyielded += behind - starts[first]! + batch / 256;
      if (this.#unyielded >= batch) {
        this.#unyielded = 0;
        await setImmediate();
      }
      this.#signal.throwIfAborted();
      first = next;
    }
    return entries;
  }

  #linesBefore(offset: number): number {
    let { at, count } = offset < this.#lines.at ? { at: 0, count: 0 } : this.#lines;
    for (; at < offset; at++) if (this.#bytes[at] === newline) count++;
    this.#lines = { at, count };
    return count;
  }

  #piece({ starts, before, wrong }: Run, first: number, next: number, end: number, entries: RawEntry[]): void {
    const head = 'data:\n';
    const start = starts[first]!;
    const bytes = this.#bytes.subarray(start, end);
    const text = decodeText(bytes);
    const linesBefore = () => this.#linesBefore(start) - 1;
    const items = this.#read(head + text, linesBefore);
    if (items?.values.length !== next - first) throw new Whole();
    const placeAt = placer(head + text);
    // Offsets of characters say nothing about those of bytes unless all characters are bytes.
    const ascii = text.length === bytes.length;
    for (const [index, item] of items.values.entries()) {
      const offset = items.offsets[index]! - head.length + start;
      const from = starts[first + index]!;
      const to = first + index + 1 < next ? starts[first + index + 1]! : end;
      if (ascii && (offset < from || offset >= to)) throw new Whole();
      const name = `data[${before + first + index}]`;
      const entry = itemEntry({ item, name, wrong }, this.#reading, (reason, key) => {
        const { line, column } = placeAt(items.offsets[index]!);
        return parseError(this.#file, { reason, line: line + linesBefore(), column }, undefined, key);
      });
      entries.push(entry);
    }
  }
}

function wrongOf(entries: readonly RawEntry[]): number[] {
  return entries.flatMap((entry, index) => ('error' in entry ? [index] : []));
}

/** The same text, with each item whose entry is an error to be read again. */
function withoutWrong(part: Part, { layout, wrong }: Kept): Part[] {
  if (!part.kept || wrong.length === 0) return [part];
  const { from, to, at } = part;
  const placeOf = (item: number): number => at + endOfItem(layout, item) - layout.starts[from]!;
  const parts: Part[] = [];
  let next = from;
  for (const item of wrong) {
    if (item < from || item >= to) continue;
    if (item > next) parts.push({ kept: true, from: next, to: item, at: placeOf(next) });
    parts.push({ kept: false, starts: [placeOf(item)], end: placeOf(item + 1) });
    next = item + 1;
  }
  if (next < to) parts.push({ kept: true, from: next, to, at: placeOf(next) });
  return parts;
}

function end(count: number): Part {
  return { kept: true, from: count, to: count, at: 0 };
}

function endOfItem({ starts, end: last }: Layout, next: number): number {
  return starts[next] ?? last;
}
