import { decodeText } from '../../internal/bytes.ts';
import { readDocuments } from './formats.ts';
import type { Entries } from './parse.ts';

/** What a status file has that no status broker has written, and that would be lost when it is written anew. */
export interface Foreign {
  /** In words; missing: nothing. */
  readonly part?: string;
  /** Keys that have a value, or two of them, and none that can be read. */
  readonly keys: ReadonlySet<string>;
}

/** @param entries what `parseFile` made of these bytes */
export async function foreignIn(file: string, bytes: Uint8Array, entries: Entries): Promise<Foreign> {
  const { values, commentAt } = await readDocuments(file, decodeText(bytes).replace(/^\uFEFF/, ''));
  const keys = new Set<string>();
  if (values.length > 1) return { part: 'a second document', keys };
  if (commentAt() !== undefined) return { part: 'a comment', keys };
  const [{ data, ...rest }] = values as [{ readonly data: readonly { readonly key: string }[] }];
  for (const name of Object.keys(rest)) return { part: memberOf(name, 'the file'), keys };
  for (const [index, item] of data.entries()) {
    const { key, ...members } = item;
    for (const name of Object.keys(members)) {
      if (name !== 'value') return { part: memberOf(name, `data[${index}]`), keys };
      if ('error' in entries.get(key)!) keys.add(key);
    }
  }
  return { keys };
}

function memberOf(name: string, of: string): string {
  return `the member ${JSON.stringify(name)} of ${of}`;
}
