import {
  CORE_SCHEMA,
  constructFromEvents,
  EVENT_ID,
  type Event,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  load,
  loadAll,
  mapTag,
  mergeTag,
  parseEvents,
  type ScalarTagDefinition,
  YAMLException,
} from 'js-yaml';
import { LossyNumber, losesDigits } from '../internal/lossyNumber.ts';

/** YAML 1.2 with `<<`: nobody who writes a merge key means a member of that name. */
const schema = CORE_SCHEMA.withTags(mergeTag);

const exactly = (tag: ScalarTagDefinition): ScalarTagDefinition => ({
  ...tag,
  resolve: (source, isExplicit, name) => {
    const value = tag.resolve(source, isExplicit, name);
    return Number.isFinite(value) && losesDigits(source) ? new LossyNumber(source) : value;
  },
});
/** A name is a text anyway. */
const nameOfKey = (key: unknown): unknown => (key instanceof LossyNumber ? key.text : key);

/** The same, with a `LossyNumber` for each number that JavaScript cannot hold. */
const exactSchema = schema.withTags(exactly(intCoreTag), exactly(floatCoreTag), {
  ...mapTag,
  addPair: (container: Record<string, unknown>, key, value) => mapTag.addPair(container, nameOfKey(key), value),
  has: (container: Record<string, unknown>, key) => mapTag.has(container, nameOfKey(key)),
});

/** What is wrong with a YAML text, and where: the first line and the first column are 1. */
export interface YamlFault {
  readonly reason: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * The value of one YAML document.
 *
 * @throws whatever the parser throws; {@link yamlFault} reads it
 */
export function parseYaml(text: string): unknown {
  return load(text, { schema });
}

/**
 * The values of all documents of a YAML text, with a `LossyNumber` for each number that JavaScript cannot hold; none where it has
 * only comments.
 *
 * @throws as {@link parseYaml}
 */
export function parseYamlDocuments(text: string): unknown[] {
  return loadAll(text, { schema: exactSchema });
}

/** What a parser's error says, in one line. */
export function yamlFault(error: unknown): YamlFault {
  if (!(error instanceof YAMLException)) return { reason: error instanceof Error ? error.message : String(error) };
  const { reason, mark } = error;
  return mark === undefined ? { reason } : { reason, line: mark.line + 1, column: mark.column + 1 };
}

/** The items of a list, and where each of them stands. */
export interface YamlItems {
  readonly values: readonly unknown[];
  readonly offsets: readonly number[];
}

/**
 * The items of a text that is nothing but one member that is a list: a part of a larger text. `undefined` where it is more
 * than that, or has anchors or aliases, which may refer to what is not in it.
 *
 * @throws as {@link parseYaml}
 */
export function parseYamlItems(text: string, member: string): YamlItems | undefined {
  const events = parseEvents(text, {});
  for (const event of events)
    if (event.type === EVENT_ID.ALIAS || ('anchorStart' in event && event.anchorStart !== -1)) return undefined;
  const documents = constructFromEvents(events, { schema: exactSchema, source: text });
  const [document] = documents as [Record<string, unknown>];
  const values = document[member];
  if (documents.length !== 1 || Object.keys(document).length !== 1 || !Array.isArray(values)) return undefined;
  return { values, offsets: itemOffsets(events, text, member)[0]! };
}

/**
 * Where the items of a list stand in a YAML text.
 *
 * @param member the name of a top-level member that is a list
 * @returns per document the offset of each item; none where there is no such list, or it is only an alias
 */
export function yamlItemOffsets(text: string, member: string): number[][] {
  return itemOffsets(parseEvents(text, {}), text, member);
}

/** Where the first comment of a YAML text starts: a `#` that is in no scalar. `undefined`: it has none. */
export function yamlCommentAt(text: string): number | undefined {
  let end = 0;
  for (const event of parseEvents(text, {})) {
    if (event.type !== EVENT_ID.SCALAR || event.valueStart < end) continue;
    const at = text.indexOf('#', end);
    if (at === -1) return undefined;
    if (at < event.valueStart) return at;
    end = event.valueEnd;
  }
  const at = text.indexOf('#', end);
  return at === -1 ? undefined : at;
}

function itemOffsets(events: readonly Event[], text: string, member: string): number[][] {
  const documents: number[][] = [];
  /** The open collections; `name` is set between the name of a member and its value. */
  const open: { readonly mapping: boolean; readonly wanted: boolean; name?: string | undefined }[] = [];
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) {
      documents.push([]);
      continue;
    }
    if (event.type === EVENT_ID.POP) {
      open.pop();
      continue;
    }
    const parent = open.at(-1);
    const isName = parent?.mapping === true && parent.name === undefined;
    if (parent?.wanted === true) documents.at(-1)!.push(offsetOf(event));
    const wanted = open.length === 1 && !isName && parent?.name === member && event.type === EVENT_ID.SEQUENCE;
    if (parent?.mapping === true) parent.name = isName ? nameOf(text, event) : undefined;
    if (event.type === EVENT_ID.MAPPING) open.push({ mapping: true, wanted: false });
    if (event.type === EVENT_ID.SEQUENCE) open.push({ mapping: false, wanted });
  }
  return documents;
}

/** A name that is a collection or an alias is none that we look for. */
function nameOf(text: string, event: Event): string {
  return event.type === EVENT_ID.SCALAR ? getScalarValue(text, event) : '';
}

function offsetOf(event: Exclude<Event, { type: typeof EVENT_ID.POP | typeof EVENT_ID.DOCUMENT }>): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  return event.type === EVENT_ID.ALIAS ? event.anchorStart : event.start;
}
