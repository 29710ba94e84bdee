import { closeSync, openSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resolveFilesOptions } from '../../../lib/backends/files/config.ts';
import { nothingScanned, type Scanned, scan } from '../../../lib/backends/files/scan.ts';
import { json, type Recorded, recordLive, temporaryDirectory, until, write, yaml } from '../../support/files.ts';

const keys = ['/k0', '/k1', '/k2', '/k3', '/k4', '/k5'];
const before = Object.fromEntries(keys.map((key) => [key, { mtu: 1500, up: true }]));
const after = Object.fromEntries(keys.map((key) => [key, { mtu: 9000, up: false }]));
/** Two documents, half of the keys in each. */
const documents = (values: Readonly<Record<string, unknown>>): string =>
  [0, 3].map((from) => yaml(Object.fromEntries(Object.entries(values).slice(from, from + 3)))).join('---\n');
/** As people write it: a value goes on over several lines. */
const block = (values: Readonly<Record<string, unknown>>): string =>
  `data:\n${Object.entries(values as typeof before)
    .map(([key, { mtu, up }]) => `- key: ${key}\n  value:\n    mtu: ${mtu}\n    up: ${up}\n`)
    .join('')}`;
const kinds = [
  ['YAML', 'a.yaml', yaml],
  ['YAML in block style', 'a.yml', block],
  ['YAML, two documents', 'a.yaml', documents],
  ['JSON', 'a.json', json],
] as const;
/** The default. */
const settle = 1_000;

/** Writes a file over in place, a piece at a time. Returns the longest pause. */
async function slowly(file: string, pieces: readonly string[], gaps: readonly number[]): Promise<number> {
  const handle = openSync(file, 'w');
  let slowest = 0;
  let last = performance.now();
  const wait = async (gap: number): Promise<void> => {
    await pause(gap);
    slowest = Math.max(slowest, performance.now() - last);
    last = performance.now();
  };
  await wait(gaps.at(-1)!);
  for (const [i, piece] of pieces.entries()) {
    writeSync(handle, piece);
    await wait(gaps[i % gaps.length]!);
  }
  closeSync(handle);
  return slowest;
}
const deletes = ({ log }: Recorded) => log.filter((line) => line.startsWith('delete'));

describe('fromFiles: a file that is written over slowly, each part of it there to be seen', () => {
  const gaps: readonly (readonly number[])[] = [[20], [60], [150], [400], [20, 400, 60, 150, 90]];

  it.each(kinds)(
    '%s: never removes a key, nor tells a part of a value',
    { timeout: 120_000 },
    async (_kind, name, textOf) => {
      await Promise.all(
        gaps.flatMap((each) =>
          [before, after].map(async (values) => {
            const dir = temporaryDirectory();
            write(join(dir, name), textOf(before));
            const told = await recordLive({ paths: [dir] });
            for (let slowest = Infinity; slowest >= settle; ) {
              told.events.length = 0;
              write(join(dir, name), textOf(before));
              await until(() => expect(told.state).toEqual(before));
              await until(() => expect(told.stale).toBeUndefined());
              // Line by line, or in any other pieces.
              const pieces = textOf(values).match(each.length > 1 ? /[\s\S]{1,17}/g : /.*\n|.+$/g)!;
              slowest = await slowly(join(dir, name), pieces, each);
              await until(() => expect(told.state).toEqual(values));
              await until(() => expect(told.stale).toBeUndefined());
            }
            expect(deletes(told)).toEqual([]);
            const values0 = [before, after].map((all) => JSON.stringify(all['/k0']));
            for (const line of told.log.filter((each0) => each0.startsWith('put')))
              expect(values0).toContain(line.slice(line.indexOf('> ') + 2));
          }),
        ),
      );
    },
  );

  it('removes no key by a resync on the way either', { timeout: 60_000 }, async () => {
    const dir = temporaryDirectory();
    const resyncOn = new Subject<void>();
    write(join(dir, 'a.yaml'), before);
    const told = await recordLive({ paths: [dir], resyncOn });
    for (let slowest = Infinity; slowest >= settle; ) {
      write(join(dir, 'a.yaml'), before);
      await until(() => expect([told.state, told.stale]).toEqual([before, undefined]));
      told.events.length = 0;
      const asking = setInterval(() => resyncOn.next(), 130);
      slowest = await slowly(join(dir, 'a.yaml'), yaml(after).split(/(?<=\n)/), [200]);
      clearInterval(asking);
      await until(() => expect(told.state).toEqual(after));
    }
    const removed = told.events.flatMap((event) => (event.type === 'resync' ? event.diff.removed : []));
    expect([deletes(told), removed]).toEqual([[], []]);
  });

  it('does not remove a key that moves to a file which is written slowly, new or not', {
    timeout: 60_000,
  }, async () => {
    await Promise.all(
      ['b.yaml', 'new.yaml'].map(async (name) => {
        const dir = temporaryDirectory();
        write(join(dir, 'a.json'), { '/x': 1, '/y': 1 });
        write(join(dir, 'b.yaml'), { '/z': 1 });
        const told = await recordLive({ paths: [dir] });
        for (let slowest = Infinity; slowest >= settle; ) {
          write(join(dir, 'a.json'), { '/x': 1, '/y': 1 });
          write(join(dir, 'b.yaml'), { '/z': 1 });
          await until(() => expect([told.state, told.stale]).toEqual([{ '/x': 1, '/y': 1, '/z': 1 }, undefined]));
          told.events.length = 0;
          const [first, ...rest] = yaml({ ...(name === 'b.yaml' && { '/z': 1 }), '/n': 1, '/y': 1 }).split(/(?<=\n)/);
          write(join(dir, 'a.json'), { '/x': 1 });
          slowest = await slowly(join(dir, name), [first! + rest.shift(), ...rest], [200]);
          await until(() => expect(told.state).toEqual({ '/x': 1, '/y': 1, '/z': 1, '/n': 1 }));
        }
        expect(deletes(told)).toEqual([]);
      }),
    );
  });

  it('believes what was lost when the file has stood still, at once where another file is put in its place', async () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.yaml');
    write(file, before);
    const told = await recordLive({ paths: [dir], rescan: 3_600_000 });
    write(file, { '/k0': 1 });
    await until(() => expect(told.state).toEqual({ '/k0': 1 }));
    expect([told.events.length, Date.now() - statSync(file).ctimeMs >= settle]).toEqual([2, true]);
    expect(told.statuses.some(({ stale }) => stale !== undefined)).toBe(false);
    write(`${file}.tmp`, {});
    renameSync(`${file}.tmp`, file);
    await until(() => expect(told.state).toEqual({}));
  });
});

describe('fromFiles: a file that is written over for ever, with keys missing', () => {
  it('keeps them, says so after a while, and believes the last one', { timeout: 60_000 }, async () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.yaml');
    write(file, before);
    const told = await recordLive({ paths: [dir] });
    const writer = setInterval(() => write(file, { '/k0': Date.now() }), 200);
    try {
      await until(() => expect(told.stale?.message).toMatch(/a\.yaml cannot be read \(it changes all the time\)/));
    } finally {
      clearInterval(writer);
    }
    expect([told.state, told.events.length]).toEqual([before, 1]);
    await until(() => expect(told.stale).toBeUndefined());
    expect(Object.keys(told.state)).toEqual(['/k0']);
  });
});

describe('scan: what may be half', () => {
  let clock: number | undefined;
  beforeEach(() => {
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => clock ?? now());
  });
  afterEach(() => {
    vi.restoreAllMocks();
    clock = undefined;
  });
  /** What a look finds so long after the last write. */
  async function look(file: string, last: Scanned, later: number, options: object = {}): Promise<Scanned> {
    clock = statSync(file).ctimeMs + later;
    return scan(resolveFilesOptions('spec', { paths: [file], ...options }), last, new AbortController().signal);
  }
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

  it('does not believe at once what is there after a file that never parsed', async () => {
    const file = join(temporaryDirectory(), 'a.yaml');
    write(file, '');
    const broken = await look(file, nothingScanned, 5_000);
    write(file, { a: 1 });
    const half = await look(file, broken, 100);
    expect([shown(half), half.problems.length]).toEqual([{}, 1]);
    expect(shown(await look(file, half, 1_000))).toEqual({ a: 1 });
  });
});
