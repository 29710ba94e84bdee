import { messageOf } from '../../model/errors.ts';
import { type Fault, parseError } from './fault.ts';
import { flawsOf, type JsonFlaw, placeOf, scanJson } from './jsonText.ts';
import { loadPeer } from './peer.ts';

/** What a text holds. */
export interface Documents {
  /** JSON has exactly one. */
  readonly values: readonly unknown[];
  /** What is in the text of JSON and not in its value; what YAML cannot hold is a `LossyNumber` among the values. */
  readonly flaws: readonly JsonFlaw[];
  /** The offset of the first comment. Not cheap either. */
  readonly commentAt: () => number | undefined;
  /** Per document, the offset of each item of its `data`. Not cheap: the text is scanned again. */
  readonly itemOffsets: () => readonly (readonly number[])[];
}

type Format = (text: string, file: string) => Documents | Promise<Documents>;

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

/** Whether a file is YAML by its name: half of it may pass for a whole one. */
export function isYaml(name: string): boolean {
  return formatOf(name) === readYaml;
}

/**
 * The documents of a file.
 *
 * @throws DatasyncError `PARSE_FAILED`, `MISSING_PEER`
 */
export async function readDocuments(file: string, text: string): Promise<Documents> {
  return formatOf(file)!(text, file);
}

function readJson(text: string, file: string): Documents {
  try {
    const value = JSON.parse(text) as unknown;
    return {
      values: [value],
      flaws: flawsOf(text, value, 'data'),
      commentAt: () => undefined,
      itemOffsets: () => [scanJson(text, 'data').items],
    };
  } catch (cause) {
    const { fault } = scanJson(text, 'data');
    throw parseError(file, fault === undefined ? { reason: messageOf(cause) } : faultIn(text, fault), cause);
  }
}

function faultIn(text: string, { offset, expected }: { readonly offset: number; readonly expected: string }): Fault {
  const char = text[offset];
  const found = char === undefined ? 'the end of the file' : JSON.stringify(char);
  return { reason: `expected ${expected}, found ${found}`, ...placeOf(text, offset) };
}

async function readYaml(text: string, file: string): Promise<Documents> {
  const parser = await loadPeer('js-yaml', `reading ${file}`, () => import('../../codecs/parseYaml.ts'));
  try {
    const values = parser.parseYamlDocuments(text);
    return {
      values,
      flaws: [],
      commentAt: () => parser.yamlCommentAt(text),
      itemOffsets: () => parser.yamlItemOffsets(text, 'data'),
    };
  } catch (cause) {
    throw parseError(file, parser.yamlFault(cause), cause);
  }
}

function formatOf(name: string): Format | undefined {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(formats, extension) ? formats[extension] : undefined;
}
