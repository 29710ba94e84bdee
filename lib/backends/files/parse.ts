import { decodeText, encodeText } from '../../internal/bytes.ts';
import { LossError, LossyNumber } from '../../internal/lossyNumber.ts';
import { type DatasyncError, messageOf } from '../../model/errors.ts';
import type { RawEntry } from '../../source/frames.ts';
import { isBomb } from './expansion.ts';
import { type Fault, parseError } from './fault.ts';
import { type Documents, isYaml, readDocuments } from './formats.ts';
import { type JsonFlaw, parseJson, placeOf, placer } from './jsonText.ts';

/** What a file says, by key. */
export type Entries = ReadonlyMap<string, RawEntry>;

/** Where a document comes from. */
export interface DocumentPlace {
  /** The absolute path of its file. */
  readonly file: string;
  /** Which one of the file's documents it is, from 0 on. */
  readonly index: number;
}

/** One entry that a document stands for. */
export interface DocumentEntry {
  readonly key: string;
  /** Whatever JSON can hold. */
  readonly value: unknown;
}

/** Tells the entries of a document that is not a list of `{ key, value }`. */
export type Project = (document: unknown, place: DocumentPlace) => Iterable<DocumentEntry>;

/** How files are read. */
export interface Reading {
  readonly endMarker?: string | undefined;
  readonly jsonStrings?: boolean | undefined;
  readonly project?: Project | undefined;
}

/** One item on its way to an entry. */
interface Item {
  readonly item: unknown;
  readonly document: number;
  readonly index: number;
  /** How messages call it. */
  readonly name: string;
}

/**
 * Reads one file: in each of its documents `data`, a list of `{ key, value }`; other members of a document and of an item are
 * ignored.
 *
 * A key that comes twice, and a value that is missing or that would not be kept as it is (see {@link LossError}), are errors of that entry. All else is an
 * error of the file, also an item whose key cannot be told: dropping it would delete whatever key it meant.
 *
 * @throws DatasyncError `PARSE_FAILED` with file, and with line and column where known; `MISSING_PEER`
 */
export async function parseFile(file: string, bytes: Uint8Array, reading: Reading = {}): Promise<Entries> {
  const text = textOf(file, bytes, reading);
  const documents = await readDocuments(file, text);
  refuseFlaws(file, text, documents, reading);
  const items = itemsOf(file, documents, reading);
  return new Reader(file, text, documents, reading).entries(items);
}

/** Line and column, from 1 on. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where in a file its keys stand; a file whose documents are projected has no such places. */
export async function placesIn(file: string, bytes: Uint8Array, reading: Reading): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  if (reading.project !== undefined) return places;
  const text = textOf(file, bytes, reading);
  const documents = await readDocuments(file, text);
  const offsets = documents.itemOffsets();
  const placeAt = placer(text);
  for (const { item, document, index } of itemsOf(file, documents, reading)) {
    const key = memberOf(item, 'key');
    const offset = offsets[document]?.[index];
    if (typeof key !== 'string' || offset === undefined || places.has(key)) continue;
    places.set(key, placeAt(offset));
  }
  return places;
}

function textOf(file: string, bytes: Uint8Array, reading: Reading): string {
  let text: string;
  try {
    text = decodeText(bytes).replace(/^\uFEFF/, '');
  } catch (cause) {
    throw parseError(file, { reason: 'it is not UTF-8 text' }, cause);
  }
  const rest = text.trimEnd();
  if (rest === '') throw parseError(file, { reason: 'it is empty; a file without entries says `data: []`' });
  if (!isYaml(file)) return text;
  if (lacksEnd(text, reading)) {
    const reason = `it does not end with the line ${JSON.stringify(reading.endMarker)}: something may be missing`;
    throw parseError(file, { reason, ...placeOf(text, rest.length) });
  }
  const early = earlyEnd(text, reading);
  if (early !== undefined) {
    const reason = `the line ${JSON.stringify(reading.endMarker)} is not the last one: a half of the file could not be told from the whole`;
    throw parseError(file, { reason, ...placeOf(text, early) });
  }
  return text;
}

/** Whether the last line of a YAML text is not the one that it must be. */
export function lacksEnd(text: string, { endMarker }: Reading): boolean {
  const rest = text.trimEnd();
  return endMarker !== undefined && rest.slice(rest.lastIndexOf('\n') + 1) !== endMarker;
}

/** What JSON would drop, where it is not just one value that is refused. */
function refuseFlaws(file: string, text: string, { flaws }: Documents, { project }: Reading): void {
  for (const { offset, reason, member, item } of flaws) {
    if (project !== undefined || (item === undefined && member === 'data'))
      throw parseError(file, { reason: `it ${reason}`, ...placeOf(text, offset) });
    if (item?.member === 'key')
      throw parseError(file, { reason: `data[${item.index}] ${reason}`, ...placeOf(text, offset) });
  }
}

/** Where the line that must be the last one of a text stands before that: cut off behind it, the text would seem to be whole. */
function earlyEnd(text: string, { endMarker }: Reading): number | undefined {
  if (endMarker === undefined) return undefined;
  const last = text.lastIndexOf(endMarker);
  for (let at = text.indexOf(endMarker); at < last; at = text.indexOf(endMarker, at + 1)) {
    const end = text.indexOf('\n', at);
    if ((at === 0 || text[at - 1] === '\n') && text.slice(at, end).trimEnd() === endMarker) return at;
  }
  return undefined;
}

function itemsOf(file: string, documents: Documents, { project }: Reading): Item[] {
  const { values } = documents;
  if (values.length === 0)
    throw parseError(file, { reason: 'it has only comments; a file without entries says `data: []`' });
  const items: Item[] = [];
  for (const [document, value] of values.entries()) {
    // What stands between two separators, or behind the last one, may be nothing.
    if (value === null && values.length > 1) continue;
    const prefix = values.length > 1 ? `document ${document + 1}: ` : '';
    if (project !== undefined) {
      for (const [index, item] of projected(file, project, value, document, prefix).entries())
        items.push({ item, document, index, name: `${prefix}entry ${index} of \`project\`` });
      continue;
    }
    const data = memberOf(value, 'data');
    if (!Array.isArray(data)) {
      const found = data === undefined ? 'it has no `data`' : `its \`data\` is ${kindOf(data)}`;
      throw parseError(file, { reason: `${prefix}${found}; expected a list of { key, value }` });
    }
    for (const [index, item] of (data as unknown[]).entries())
      items.push({ item, document, index, name: `${prefix}data[${index}]` });
  }
  return items;
}

function projected(file: string, project: Project, value: unknown, index: number, prefix: string): unknown[] {
  const lossy = lossyNumberIn(value);
  if (lossy !== undefined) throw parseError(file, { reason: `${prefix}it ${lossy.reason}` });
  try {
    return [...project(value, { file, index })];
  } catch (cause) {
    throw parseError(file, { reason: `\`project\` failed: ${messageOf(cause)}` }, cause);
  }
}

function lossyNumberIn(value: unknown): LossyNumber | undefined {
  const seen = new Set<unknown>([value]);
  for (const each of seen) {
    if (each instanceof LossyNumber) return each;
    if (typeof each === 'object' && each !== null) for (const member of Object.values(each)) seen.add(member);
  }
  return undefined;
}

class Reader {
  readonly #file: string;
  readonly #text: string;
  readonly #documents: Documents;
  readonly #reading: Reading;
  readonly #placeAt: ReturnType<typeof placer>;
  #offsets: ReturnType<Documents['itemOffsets']> | undefined;

  constructor(file: string, text: string, documents: Documents, reading: Reading) {
    this.#file = file;
    this.#text = text;
    this.#documents = documents;
    this.#reading = reading;
    this.#placeAt = placer(text);
  }

  entries(items: readonly Item[]): Entries {
    this.#refuseBomb(items);
    const entries = new Map<string, RawEntry>();
    const names = new Map<unknown, string>();
    const flaws = this.#flaws();
    for (const each of items) {
      const flaw = flaws.get(each.index);
      const first = names.get(memberOf(each.item, 'key'));
      const wrong = first === undefined ? flaw?.reason : `repeats the key of ${first}`;
      const entry = itemEntry({ ...each, wrong }, this.#reading, (reason, key) =>
        this.#error(each, reason, key, key === undefined ? undefined : flaw?.offset),
      );
      names.set(entry.key, each.name);
      entries.set(entry.key, entry);
    }
    return entries;
  }

  /** What the text says of values and JSON would drop, by item; the first of each. */
  #flaws(): ReadonlyMap<number, JsonFlaw> {
    const flaws = new Map<number, JsonFlaw>();
    for (const flaw of this.#documents.flaws)
      if (flaw.item?.member === 'value' && !flaws.has(flaw.item.index)) flaws.set(flaw.item.index, flaw);
    return flaws;
  }

  /** JSON has no references, and what a `project` makes is its own business. */
  #refuseBomb(items: readonly Item[]): void {
    const text = this.#text;
    if (!isYaml(this.#file) || !text.includes('&') || !text.includes('*')) return;
    if (
      !isBomb(
        items.map(({ item }) => item),
        text.length,
      )
    )
      return;
    const reason = 'its aliases (`*name`) refer to each other so often that it would fill the memory';
    throw parseError(this.#file, { reason });
  }

  // Places are only looked up where something is wrong: it means to scan the text again.
  #error({ document, index }: Item, reason: string, key?: string, at?: number): DatasyncError {
    this.#offsets ??= this.#reading.project === undefined ? this.#documents.itemOffsets() : [];
    const offset = at ?? this.#offsets[document]?.[index];
    const fault: Fault = { reason, ...(offset !== undefined && this.#placeAt(offset)) };
    return parseError(this.#file, fault, undefined, key);
  }
}

/**
 * The entry of an item: an error where its value is none, or where `wrong` says why it is not used.
 *
 * @throws what `errorOf` makes, where its key cannot be told: that is an error of the file
 */
export function itemEntry(
  { item, name, wrong }: Pick<Item, 'item' | 'name'> & { readonly wrong?: string | undefined },
  reading: Reading,
  errorOf: (reason: string, key?: string) => DatasyncError,
): RawEntry {
  const key = memberOf(item, 'key');
  if (typeof key !== 'string') throw errorOf(`${name} ${wrongKey(item, key)}; expected { key: 'a text', value }`);
  const value = wrong ?? rawOf(item, reading);
  if (typeof value !== 'string') return { key, value };
  return { key, error: errorOf(`${name} (${JSON.stringify(key)}) ${value}`, key) };
}

/** The value of an item as JSON, or what is wrong with it. */
function rawOf(item: unknown, { jsonStrings }: Reading): Uint8Array | string {
  const value = memberOf(item, 'value');
  if (value === undefined) return 'has no `value`';
  if (jsonStrings === true && typeof value === 'string') return rawOfText(value);
  try {
    return encodeText(JSON.stringify(value, refuseNonFinite));
  } catch (error) {
    if (error instanceof LossError) return error.message;
    return `has a value that JSON cannot hold: ${messageOf(error).split('\n')[0] ?? ''}`;
  }
}

/** A text that holds JSON; written anew, so that another layout is no change. */
function rawOfText(text: string): Uint8Array | string {
  try {
    return encodeText(JSON.stringify(parseJson(text)));
  } catch (error) {
    if (error instanceof LossError) return `has a text as its value that ${error.message}`;
    return `has a text as its value that is not JSON: ${messageOf(error).split('\n')[0] ?? ''}`;
  }
}

// JSON.stringify would make null of them without a word.
function refuseNonFinite(_name: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} is not a number in JSON`);
  return value;
}

function wrongKey(item: unknown, key: unknown): string {
  if (!isObject(item)) return `is ${kindOf(item)}`;
  return `has ${key === undefined ? 'no `key`' : `a \`key\` that is ${kindOf(key)}`}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LossyNumber);
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof LossyNumber) return 'a number';
  return isObject(value) ? 'an object' : `a ${typeof value}`;
}
