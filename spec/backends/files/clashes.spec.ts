import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Clashes } from '../../../lib/backends/files/clashes.ts';
import type { FileState } from '../../../lib/backends/files/fileState.ts';
import { readPieces } from '../../../lib/backends/files/largeYaml.ts';
import * as parsing from '../../../lib/backends/files/parse.ts';
import { look, stampOf } from '../../../lib/backends/files/stats.ts';
import { entriesOf } from '../../../lib/backends/files/view.ts';
import { DatasyncError } from '../../../lib/model/errors.ts';
import { temporaryDirectory } from '../../support/files.ts';

vi.mock('../../../lib/backends/files/parse.ts', { spy: true });

const { signal } = new AbortController();

async function refused(clashes: Clashes, files: Map<string, FileState>): Promise<string[]> {
  const all = await clashes.refused(entriesOf(files, undefined).clashes, files, signal);
  return Array.from(all.values(), (entry) => (entry as { error: Error }).error.message);
}

async function stateOf(path: string, text: string): Promise<FileState> {
  writeFileSync(path, text);
  return { stamp: stampOf(await look(path)), entries: await parsing.parseFile(path, Buffer.from(text)) };
}

describe('Clashes', () => {
  it('takes the places of a large file from what is kept of it, the same that a parse finds', async () => {
    const dir = temporaryDirectory();
    const [a, b] = [join(dir, 'a.yaml'), join(dir, 'b.yaml')];
    const text =
      '# é\n---\ndata: # x\n\n  - key: a\n    value: 1\n  # c\n  -   {key: é, value: 1}\n  - # c\n\n    key: b\n    value: 1\n  -\n    key: c\n    value: 1\n';
    const small = await stateOf(b, text);
    const first = await stateOf(a, text);
    const { entries, kept } = (await readPieces(a, Buffer.from(text), undefined, {}, signal))!;
    const clashes = new Clashes({});
    vi.mocked(parsing.placesIn).mockClear();
    const parsed = await refused(
      new Clashes({}),
      new Map([
        [a, first],
        [b, small],
      ]),
    );
    expect(parsing.placesIn).toHaveBeenCalledTimes(2);
    expect(parsed).toHaveLength(4);

    vi.mocked(parsing.placesIn).mockClear();
    const large = new Map<string, FileState>([
      [a, { ...first, entries, kept }],
      [b, small],
    ]);
    expect(await refused(clashes, large)).toEqual(parsed);
    expect(await refused(clashes, large)).toEqual(parsed);
    // Only the small one, and that once.
    expect(vi.mocked(parsing.placesIn).mock.calls.map(([path]) => path)).toEqual([b]);
  });

  it('finds places of a large file for keys that it was not asked for before', async () => {
    const dir = temporaryDirectory();
    const text = 'data:\n  - {key: a, value: 1}\n  - {key: b, value: 1}\n';
    const a = { stamp: '1', ...(await readPieces('a.yaml', Buffer.from(text), undefined, {}, signal))! };
    const clashes = new Clashes({});
    for (const [key, line] of [
      ['a', 2],
      ['b', 3],
    ] as const) {
      const path = join(dir, `${key}.yaml`);
      const other = await stateOf(path, `data: [{key: ${key}, value: 1}]\n`);
      expect(
        await refused(
          clashes,
          new Map([
            ['x.yaml', a],
            [path, other],
          ]),
        ),
      ).toEqual([expect.stringContaining(`x.yaml:${line}:5 has it too`)]);
    }
  });

  it('does not parse a broken file for places, nor one again that has changed meanwhile', async () => {
    const dir = temporaryDirectory();
    const [a, b] = [join(dir, 'a.yaml'), join(dir, 'b.yaml')];
    const text = 'data:\n  - {key: a, value: 1}\n';
    const first = await stateOf(a, text);
    const second = { ...(await stateOf(b, text)), failure: new DatasyncError('PARSE_FAILED', 'no') };
    const clashes = new Clashes({});
    vi.mocked(parsing.placesIn).mockClear();
    writeFileSync(a, 'data: [');
    const files = new Map<string, FileState>([
      [a, { ...first, stamp: stampOf(await look(a)) }],
      [b, second],
    ]);
    for (let round = 0; round < 3; round++)
      expect(await refused(clashes, files)).toEqual([
        `[rx-datasync/files] "a" of ${b} is not used: ${a} has it too, and comes first`,
      ]);
    expect(vi.mocked(parsing.placesIn).mock.calls.map(([path]) => path)).toEqual([a]);
  });
});
