import { decodeText } from '../../internal/bytes.ts';
import type { RawEntry } from '../../source/frames.ts';
import type { Entries } from './parse.ts';
import { loadPeer } from './peer.ts';

/** One entry as a part of a file. */
type Item = (key: string, json: string | undefined) => string;

/** Entries are immutable: what was written of one is written again as it is. */
const written = new WeakMap<RawEntry, string>();

/**
 * Entries as a file: `data: [{ key, value }]` like the configuration, sorted by key, in the format of the name. Nothing but an
 * entry that changed is formatted anew, since YAML is slow to write. An entry that could not be read keeps its key.
 *
 * @throws DatasyncError `MISSING_PEER`, for YAML
 */
export async function statusText(file: string, entries: Entries): Promise<string> {
  const isJson = /\.json$/i.test(file);
  const item = isJson ? jsonItem : await yamlItem(file);
  const items = [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => textOf(key, entry, item));
  if (isJson) return items.length === 0 ? '{"data": []}\n' : `{"data": [\n${items.join(',\n')}\n]}\n`;
  return items.length === 0 ? 'data: []\n' : `data:\n${items.join('')}`;
}

function textOf(key: string, entry: RawEntry, item: Item): string {
  const known = written.get(entry);
  if (known !== undefined) return known;
  const text = item(key, 'error' in entry ? undefined : decodeText(entry.value));
  written.set(entry, text);
  return text;
}

/** One line: a change of one key is a change of one line. */
function jsonItem(key: string, json: string | undefined): string {
  return `  {"key": ${JSON.stringify(key)}${json === undefined ? '' : `, "value": ${json}`}}`;
}

async function yamlItem(file: string): Promise<Item> {
  const { writeYaml } = await loadPeer('js-yaml', `writing ${file}`, () => import('../../codecs/writeYaml.ts'));
  return (key, json) => writeYaml([json === undefined ? { key } : { key, value: JSON.parse(json) as unknown }]);
}
