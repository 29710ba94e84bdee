import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { decodeText } from '../../internal/bytes.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import { isObject } from '../../model/options.ts';
import { placeOf, scanJson } from '../files/jsonText.ts';
import { loadPeer } from './loadPeer.ts';
import { readSeedConfig, type SeedOrigin } from './readSeedConfig.ts';
import type { SeedConfig, SeedKeys } from './seedKeys.ts';

/** A configuration: the path or `file:` URL of a YAML or JSON file, `{ yaml }` with its text, or the object itself. */
export type SeedInput = string | URL | { readonly yaml: string } | object;

/**
 * Reads a configuration of the seeds, from wherever it is; see `readSeedConfig`.
 *
 * A file is YAML, whatever its name; one that is JSON is read without the peer `js-yaml`. One that says nothing is `{}`.
 *
 * @param where who reads it, for messages about an object or a text: `etcdConfig`
 * @throws DatasyncError `INVALID_CONFIG`; `PARSE_FAILED` and `UNREADABLE` with the file; `MISSING_PEER`
 */
export async function loadSeedConfig<const K extends SeedKeys>(
  input: SeedInput,
  keys: K,
  { where, backend }: { readonly where: string; readonly backend: string },
  required: readonly (keyof K & string)[] = [],
): Promise<SeedConfig<K>> {
  const read = (config: unknown, origin: SeedOrigin) => readSeedConfig(config, keys, origin, required);
  if (typeof input === 'string' || input instanceof URL) {
    const file = typeof input === 'string' ? input : fileURLToPath(input);
    const origin = { where: file, backend, file };
    const { value, placeOf } = await parse(await textOf(origin), origin);
    return read(value, { ...origin, placeOf });
  }
  if (isObject(input) && 'yaml' in input && typeof input.yaml === 'string') {
    const origin = { where, backend };
    const { value, placeOf } = await parse(input.yaml, origin);
    return read(value, { ...origin, placeOf });
  }
  return read(input, { where, backend });
}

async function textOf({ backend, file }: SeedOrigin & { readonly file: string }): Promise<string> {
  try {
    return decodeText(await readFile(file)).replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new DatasyncError('UNREADABLE', `the configuration ${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      backend,
      file,
    });
  }
}

interface Parsed {
  readonly value: unknown;
  readonly placeOf: NonNullable<SeedOrigin['placeOf']>;
}

async function parse(text: string, origin: SeedOrigin): Promise<Parsed> {
  if (isBlank(text)) return { value: {}, placeOf: () => undefined };
  const json = jsonOf(text);
  try {
    const { backend, where } = origin;
    const yaml = await loadPeer(backend, 'js-yaml@5', `reading ${where}`, () => import('./yamlText.ts'));
    return {
      value: json === undefined ? parsedYaml(yaml, text, origin) : json.value,
      placeOf: (path) => {
        const offset = yaml.yamlMemberOffsets(text).get(JSON.stringify(path));
        return offset === undefined ? undefined : placeOf(text, offset);
      },
    };
  } catch (error) {
    if ((error as DatasyncError).code !== 'MISSING_PEER') throw error;
    // Without the parser nobody knows where its members stand.
    if (json !== undefined) return { value: json.value, placeOf: () => undefined };
    const fault = text.trimStart().startsWith('{') ? scanJson(text, '').fault : undefined;
    if (fault === undefined) throw error;
    const reason = `expected ${fault.expected}, as JSON (for YAML, ${messageOf(error).replace(/^\[.*?\] /, '')})`;
    throw parseFailed(origin, reason, placeOf(text, fault.offset), error);
  }
}

function parsedYaml(yaml: typeof import('./yamlText.ts'), text: string, origin: SeedOrigin): unknown {
  try {
    // A file of comments and of `key:` alone.
    return yaml.parseYaml(text) ?? {};
  } catch (cause) {
    const { reason, line, column = 1 } = yaml.yamlFault(cause);
    throw parseFailed(origin, reason, line === undefined ? undefined : { line, column }, cause);
  }
}

function jsonOf(text: string): { readonly value: unknown } | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Nothing but comments and the marks of a document: the parser would take offence. */
function isBlank(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(?:---|\.\.\.)?\s*(?:#.*)?$/.test(line));
}

function parseFailed(
  { where, backend, file }: SeedOrigin,
  reason: string,
  place: { readonly line: number; readonly column: number } | undefined,
  cause: unknown,
): DatasyncError {
  const at = place === undefined ? where : `${where}:${place.line}:${place.column}`;
  return new DatasyncError('PARSE_FAILED', `${at}: ${reason}`, {
    cause,
    backend,
    ...(file === undefined ? {} : { file }),
    ...place,
  });
}
