import { decodeText, encodeText } from '../../internal/bytes.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import type { RawEntry } from '../../source/frames.ts';
import { placeOf, scanJson } from './jsonText.ts';
import { loadPeer } from './peer.ts';

/** What a file says, by key. */
export type Entries = ReadonlyMap<string, RawEntry>;

/** A document, and where the items of its `data` stand. */
interface Document {
  readonly value: unknown;
  readonly itemOffsets: () => readonly number[];
}

/** Why a text is no document. */
interface Fault {
  readonly reason: string;
  readonly line?: number;
  readonly column?: number;
}

type Format = (text: string, file: string) => Promise<Document>;

/** By extension, in lower case. */
const formats: Readonly<Record<string, Format>> = { json: readJson, yaml: readYaml, yml: readYaml };

/** The extensions of the files that are read, for messages. */
export const extensions: string = Object.keys(formats)
  .map((extension) => `.${extension}`)
  .join(', ');

/** Whether a name says that it is one of the formats. */
export function hasFormat(name: string): boolean {
  return formatOf(name) !== undefined;
}

/**
 * Reads one file: `data`, a list of `{ key, value }`; other members of the document and of an item are ignored.
 *
 * A key that comes twice, and a value that is missing or that JSON cannot hold, are errors of that entry. All else is an
 * error of the file, also an item whose key cannot be told: dropping it would delete whatever key it meant.
 *
 * @throws DatasyncError `PARSE_FAILED` with file, and with line and column where known; `MISSING_PEER`
 */
export async function parseFile(file: string, bytes: Uint8Array): Promise<Entries> {
  let text: string;
  try {
    text = decodeText(bytes).replace(/^\uFEFF/, '');
  } catch (cause) {
    throw parseError(file, { reason: 'it is not UTF-8 text' }, cause);
  }
  if (text.trim() === '') throw parseError(file, { reason: 'it is empty; a file without entries says `data: []`' });
  const document = await formatOf(file)!(text, file);
  return entriesOf(file, text, document);
}

function entriesOf(file: string, text: string, { value, itemOffsets }: Document): Entries {
  const data = memberOf(value, 'data');
  if (!Array.isArray(data)) {
    const found = data === undefined ? 'it has no `data`' : `its \`data\` is ${kindOf(data)}`;
    throw parseError(file, { reason: `${found}; expected a list of { key, value }` });
  }
  // Only looked up where something is wrong: it means to scan the text again.
  const fault = (index: number, reason: string): Fault => {
    const offset = itemOffsets()[index];
    return { reason: `data[${index}] ${reason}`, ...(offset === undefined ? {} : placeOf(text, offset)) };
  };

  const entries = new Map<string, RawEntry>();
  const indexes = new Map<string, number>();
  for (const [index, item] of (data as unknown[]).entries()) {
    const key = memberOf(item, 'key');
    if (typeof key !== 'string') {
      const found = isObject(item)
        ? `has ${key === undefined ? 'no `key`' : `a \`key\` that is ${kindOf(key)}`}`
        : `is ${kindOf(item)}`;
      throw parseError(file, fault(index, `${found}; expected { key: 'a text', value }`));
    }
    const first = indexes.get(key);
    indexes.set(key, index);
    const error = (reason: string) =>
      parseError(file, fault(index, `(${JSON.stringify(key)}) ${reason}`), undefined, key);
    const raw = first === undefined ? rawOf(item) : `repeats the key of data[${first}]`;
    entries.set(key, typeof raw === 'string' ? { key, error: error(raw) } : { key, value: raw });
  }
  return entries;
}

/** The value of an item as JSON, or what is wrong with it. */
function rawOf(item: unknown): Uint8Array | string {
  const value = memberOf(item, 'value');
  if (value === undefined) return 'has no `value`';
  try {
    return encodeText(JSON.stringify(value, refuseNonFinite));
  } catch (error) {
    return `has a value that JSON cannot hold: ${messageOf(error).split('\n')[0] ?? ''}`;
  }
}

// JSON.stringify would make null of them without a word.
function refuseNonFinite(_name: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} is not a number in JSON`);
  return value;
}

function readJson(text: string, file: string): Promise<Document> {
  try {
    return Promise.resolve({ value: JSON.parse(text) as unknown, itemOffsets: () => scanJson(text, 'data').items });
  } catch (cause) {
    const { fault } = scanJson(text, 'data');
    if (fault === undefined) return Promise.reject(parseError(file, { reason: messageOf(cause) }, cause));
    const char = text[fault.offset];
    const reason = `expected ${fault.expected}, found ${char === undefined ? 'the end of the file' : JSON.stringify(char)}`;
    return Promise.reject(parseError(file, { reason, ...placeOf(text, fault.offset) }, cause));
  }
}

async function readYaml(text: string, file: string): Promise<Document> {
  const yaml = await loadPeer('js-yaml', `reading ${file}`, () => import('../../codecs/parseYaml.ts'));
  try {
    return { value: yaml.parseYaml(text), itemOffsets: () => yaml.yamlItemOffsets(text, 'data') };
  } catch (cause) {
    throw parseError(file, yaml.yamlFault(cause), cause);
  }
}

function parseError(file: string, { reason, line, column }: Fault, cause?: unknown, key?: string): DatasyncError {
  const place = line === undefined ? '' : `:${line}:${column ?? 1}`;
  return new DatasyncError('PARSE_FAILED', `${file}${place}: ${reason}`, {
    ...(cause === undefined ? {} : { cause }),
    backend: 'files',
    ...(key === undefined ? {} : { key }),
    file,
    ...(line === undefined ? {} : { line, column: column ?? 1 }),
  });
}

function formatOf(name: string): Format | undefined {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(formats, extension) ? formats[extension] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return isObject(value) ? 'an object' : `a ${typeof value}`;
}
