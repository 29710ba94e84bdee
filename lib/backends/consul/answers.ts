import { DatasyncError, messageOf } from '../../model/errors.ts';
import { refusal } from './failures.ts';
import type { Answer } from './http.ts';

/** An entry as Consul lists it. */
export interface Listed {
  readonly Key: string;
  /** base64; `null` where it is empty. */
  readonly Value: string | null;
  readonly ModifyIndex: number;
  /** Why it cannot be read, where that is so; of our own. */
  readonly fault?: string;
}

/** A whole answer to a recursive read. */
export interface Listing {
  /** Up to which it is complete; never 0, which would mean not to wait. */
  readonly index: number;
  /** Those whose names are not what they are in Consul come last. */
  readonly entries: readonly Listed[];
}

/** A whole answer to a question for names. */
export interface Names extends Pick<Listing, 'index'> {
  /** Keys, and where a separator was asked for also what they have in common up to it, with it. */
  readonly names: readonly string[];
  /** The same, of names that are not UTF-8, as they are shown. */
  readonly mangled: readonly string[];
}

/** What Go's JSON writes for a byte that is no UTF-8; the character itself it writes as it is. */
const replaced = '\\ufffd';

/** What we read in its place: half of a surrogate pair, which no text of Consul's has. */
const strangeByte = '\udfff';

/**
 * Reads an answer to a recursive read, and believes nothing: what is not whole and not Consul's own is an error, never fewer keys.
 *
 * @param what what was asked, for the message
 * @throws DatasyncError
 */
export function listingOf(what: string, answer: Answer): Listing {
  const index = indexOf(what, answer);
  if (answer.status === 404) return { index, entries: [] };
  const entries = named(what, answer);
  if (!Array.isArray(entries) || entries.length === 0 || !entries.every(isListed))
    throw strange(what, 'the answer is no list of entries');
  if (!answer.body.includes(replaced)) return { index, entries };
  const mangled = entries.filter(({ Key }) => isMangled(Key)).map((entry) => ({ ...entry, ...faultyName(entry.Key) }));
  return { index, entries: [...entries.filter(({ Key }) => !isMangled(Key)), ...mangled] };
}

/**
 * Reads an answer to a question for names, as strictly.
 *
 * @param what what was asked, for the message
 * @throws DatasyncError
 */
export function namesOf(what: string, answer: Answer): Names {
  const index = indexOf(what, answer);
  if (answer.status === 404) return { index, names: [], mangled: [] };
  const names = named(what, answer);
  // Of the whole store Consul says that it is empty by an empty list.
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
    throw strange(what, 'the answer is no list of names');
  return { index, names: names.filter((name) => !isMangled(name)), mangled: names.filter(isMangled).map(shownName) };
}

/**
 * The index of an answer that says what there is, or that there is nothing.
 *
 * @throws DatasyncError
 */
export function indexOf(what: string, answer: Answer): number {
  if (answer.status !== 200 && answer.status !== 404) throw refusal(what, answer);
  const index = Number(answer.index ?? Number.NaN);
  // A 404 that is not Consul's own comes from whoever stands in between.
  if (!Number.isSafeInteger(index) || index < 0)
    throw strange(what, `status ${answer.status} with the X-Consul-Index ${answer.index ?? 'missing'}`);
  return Math.max(1, index);
}

/** The JSON of an answer, in which names that are not UTF-8 can be told from others. @throws DatasyncError */
function named(what: string, answer: Answer): unknown {
  if (!answer.body.includes(replaced)) return parsed(what, answer);
  // A backslash stands for itself only with another one.
  const text = answer.body.toString().replace(/\\(?:ufffd|.)/g, (part) => (part === replaced ? '\\udfff' : part));
  return parsed(what, { ...answer, body: Buffer.from(text) });
}

function isMangled(name: string): boolean {
  return name.includes(strangeByte);
}

function shownName(name: string): string {
  return name.replaceAll(strangeByte, '\ufffd');
}

function faultyName(name: string): Pick<Listed, 'Key' | 'fault'> {
  const key = shownName(name);
  const fault = `the key ${JSON.stringify(key)} is not UTF-8 in Consul: it is shown with U+FFFD, and cannot be read or deleted by this name`;
  return { Key: key, fault };
}

/** The JSON of an answer. @throws DatasyncError */
export function parsed(what: string, { body }: Answer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch (cause) {
    throw strange(what, `the answer of ${body.length} bytes is not JSON (${messageOf(cause)})`, cause);
  }
}

function strange(what: string, message: string, cause?: unknown): DatasyncError {
  return new DatasyncError('CONNECTION_LOST', `${what}: ${message}`, { cause, backend: 'consul' });
}

/** Whether something is an entry. */
export function isListed(entry: unknown): entry is Listed {
  if (typeof entry !== 'object' || entry === null) return false;
  const { Key, Value, ModifyIndex } = entry as Partial<Record<keyof Listed, unknown>>;
  return typeof Key === 'string' && (Value === null || typeof Value === 'string') && Number.isSafeInteger(ModifyIndex);
}
