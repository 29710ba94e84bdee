import { renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { remembered } from '../../../lib/backends/files/fileState.ts';
import { nothingScanned, type Scanned } from '../../../lib/backends/files/scan.ts';
import { json, temporaryDirectory, write, yaml } from '../../support/files.ts';
import { looker } from '../../support/looker.ts';

describe('scan: what may be half', () => {
  const look = looker();
  const stateOf = (found: Scanned) => [...found.files.values()][0]!;
  const shown = (found: Scanned) =>
    Object.fromEntries(
      [...(stateOf(found).entries ?? [])].map(([key, entry]) => [
        key,
        'value' in entry ? JSON.parse(Buffer.from(entry.value).toString()) : undefined,
      ]),
    );

  it.each([
    ['a key is lost', { a: 1, b: 1, c: 1 }, { a: 2, b: 1 }],
    ['a key in the middle is lost', { a: 1, b: 1, c: 1 }, { a: 2, c: 1 }],
    ['a key is lost and another one there', { a: 1, b: 1 }, { a: 2, n: 1 }],
    ['it is shorter, and ends otherwise', { a: 1, b: 1500 }, { a: 2, b: 15 }],
    ['its last line is not ended', { a: 1, b: 15 }, { a: 2, b: 1500 }, -1],
  ] as const)('%s: waits until it has stood still', async (_what, old, now, end?: number) => {
    const file = join(temporaryDirectory(), 'a.yaml');
    write(file, old);
    const good = await look(file, nothingScanned, 5_000);
    writeFileSync(file, yaml(now).slice(0, end));
    const half = await look(file, good, 999);
    expect([shown(half), half.waiting, half.unsettled, half.problems]).toEqual([old, true, false, []]);
    expect(half.whole).toEqual({ at: Math.floor(statSync(file).ctimeMs) + 1_000, isAwaited: true });
    const whole = await look(file, half, 1_000);
    expect([shown(whole), whole.waiting, whole.hidden.size, whole.whole]).toEqual([now, false, 0, undefined]);
    // Nothing is read again for that.
    expect(stateOf(whole)).toBe(stateOf(half).half?.after);
  });

  it.each([
    ['only values change', { a: 1, b: 1 }, { a: 2, b: 2 }],
    ['it is longer', { a: 1, b: 1 }, { a: 2, b: 1, c: 1 }],
    ['it is shorter, and ends as before', { a: 1000, b: 1, c: 1 }, { a: 1, b: 1, c: 1 }],
  ])('%s: is believed at once', async (_what, old, now) => {
    const file = join(temporaryDirectory(), 'a.yaml');
    write(file, old);
    const good = await look(file, nothingScanned, 5_000);
    write(file, now);
    expect(shown(await look(file, good, 60))).toEqual(now);
  });

  it.each([
    ['with an end marker', 'a.yaml', { endMarker: '...' }, '...\n'],
    ['settle 0', 'a.yaml', { settle: 0 }, ''],
    ['JSON', 'a.json', {}, ''],
  ])('%s: is believed at once', async (_what, name, options, end) => {
    const file = join(temporaryDirectory(), name);
    const textOf = name === 'a.json' ? json : yaml;
    write(file, textOf({ a: 1, b: 1 }) + end);
    const good = await look(file, nothingScanned, 5_000, options);
    write(file, textOf({ a: 1 }) + end);
    const found = await look(file, good, 60, options);
    expect([shown(found), found.hidden.size]).toEqual([{ a: 1 }, 0]);
  });

  it('a file that is put in its place is believed at once', async () => {
    const file = join(temporaryDirectory(), 'a.yaml');
    write(file, { a: 1, b: 1 });
    const good = await look(file, nothingScanned, 5_000);
    write(`${file}.tmp`, { a: 1 });
    renameSync(`${file}.tmp`, file);
    const found = await look(file, good, 60);
    expect([shown(found), found.waiting, found.hidden.size]).toEqual([{ a: 1 }, false, 0]);
  });

  it('compares with what was believed, whatever comes between: parts, nothing, what does not parse, a write under way', async () => {
    const file = join(temporaryDirectory(), 'a.yaml');
    write(file, { a: 1, b: 1, c: 1 });
    let last = await look(file, nothingScanned, 5_000);
    for (const [text, later] of [
      ['', 100],
      [yaml({ a: 2 }), 100],
      [yaml({ a: 2 }), 10],
      [yaml({ a: 2, b: 2 }), 100],
      [`${yaml({ a: 2, b: 2 })}  - key: [`, 100],
      [yaml({ a: 2, b: 2 }), 100],
    ] as const) {
      writeFileSync(file, text);
      last = await look(file, last, later);
    }
    expect([shown(last), last.waiting]).toEqual([{ a: 1, b: 1, c: 1 }, true]);
    write(file, { a: 2, b: 2, c: 2 });
    last = await look(file, last, 100);
    expect([shown(last), last.problems]).toEqual([{ a: 2, b: 2, c: 2 }, []]);
  });

  it.each([
    ['', (last: Scanned) => last],
    [', also when all is looked at anew', ({ files, ...last }: Scanned) => ({ ...last, files: remembered(files) })],
  ])(
    'compares with what was believed where a broken file was put in its place and is written over%s',
    async (_when, anew) => {
      const file = join(temporaryDirectory(), 'a.yaml');
      write(file, { a: 1, b: 1 });
      const good = await look(file, nothingScanned, 5_000);
      writeFileSync(`${file}.tmp`, `${yaml({ a: 1, b: 1 })}  - key: [`);
      renameSync(`${file}.tmp`, file);
      const broken = await look(file, await look(file, anew(good), 60), 5_000);
      expect(broken.problems).toHaveLength(1);
      write(file, { a: 2 });
      const half = await look(file, broken, 60);
      expect([shown(half), half.waiting, half.whole?.isAwaited]).toEqual([shown(broken), true, true]);
      expect(shown(await look(file, half, 1_000))).toEqual({ a: 2 });
    },
  );

  it('does not believe at once what is there after a file that never parsed', async () => {
    const file = join(temporaryDirectory(), 'a.yaml');
    write(file, '');
    const broken = await look(file, nothingScanned, 5_000);
    write(file, { a: 1 });
    const half = await look(file, broken, 100);
    expect([shown(half), half.problems.length]).toEqual([{}, 1]);
    expect(shown(await look(file, half, 1_000))).toEqual({ a: 1 });
  });

  it('believes at once what a link leads to after a file that never parsed: nobody would look again when it has stood still', async () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.yaml');
    const lead = (name: string, text: string): void => {
      writeFileSync(join(dir, name), text);
      symlinkSync(name, `${file}.tmp`);
      renameSync(`${file}.tmp`, file);
    };
    lead('1', '');
    const broken = await look(file, nothingScanned, 5_000);
    lead('2', yaml({ a: 1 }));
    const found = await look(file, broken, 60);
    expect([broken.problems.length, shown(found), found.waiting, found.whole]).toEqual([1, { a: 1 }, false, undefined]);
  });
});
