import { closeSync, existsSync, openSync, renameSync, statSync, symlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
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
/** By a resync. */
const removed = ({ events }: Recorded) =>
  events.flatMap((event) => (event.type === 'resync' ? event.diff.removed.map(({ key }) => key) : []));

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

  it.each([
    ['shorter than the whole', Object.fromEntries(Object.entries(after).slice(0, 3))],
    ['already larger than it was', { '/k0': 'x'.repeat(1_000), '/k1': 1 }],
  ])('removes no key by a resync on the way either, %s', { timeout: 60_000 }, async (_what, half) => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.yaml');
    const resyncOn = new Subject<void>();
    write(file, before);
    const told = await recordLive({ paths: [dir], resyncOn, settle: 10_000 });
    write(file, half);
    await pause(200);
    resyncOn.next();
    await pause(1_500);
    write(file, after);
    await until(() => expect(told.state).toEqual(after));
    expect([deletes(told), removed(told), told.log]).toEqual([[], [], expect.arrayContaining(['resync requested'])]);
  });

  it.each([
    ['keeps a key that moves to a file which is being written also where a resync comes between', true],
    ['and lets it go when that file is whole and has not got it', false],
  ])('%s', { timeout: 60_000 }, async (_what, moves) => {
    const dir = temporaryDirectory();
    const resyncOn = new Subject<void>();
    const [from, to] = [join(dir, 'a.json'), join(dir, 'b.yaml')];
    write(from, { '/x': 1, '/y': 1 });
    write(to, { '/z': 1 });
    const told = await recordLive({ paths: [dir], resyncOn, settle: 4_000, rescan: 3_600_000 });
    write(to, { '/z': 1, '/n': 1 });
    write(from, { '/x': 2 });
    await until(() => expect(told.state).toEqual({ '/x': 2, '/y': 1, '/z': 1, '/n': 1 }));
    told.events.length = 0;
    resyncOn.next();
    await until(() => expect(told.log).toEqual(['resync requested']));
    expect([told.state['/y'], removed(told), told.stale]).toEqual([1, [], undefined]);
    if (moves) write(to, { '/z': 1, '/n': 1, '/y': 1, '/end': 1 });
    const last = moves ? 'put /end none > 1' : 'delete /y 1';
    await until(() => expect(told.log).toEqual(['resync requested', last]));
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

  it('holds what vanishes elsewhere no longer than 5 s where a file is written to for ever', {
    timeout: 60_000,
  }, async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/x': 1, '/y': 1 });
    write(join(dir, 'busy.yaml'), { '/busy': 0 });
    const told = await recordLive({ paths: [dir] });
    let writes = 0;
    const writer = setInterval(() => write(join(dir, 'busy.yaml'), { '/busy': ++writes }), 200);
    try {
      await until(() => expect(told.state['/busy']).toBeGreaterThan(1));
      write(join(dir, 'a.json'), { '/x': 2 });
      await until(() => expect(told.state['/x']).toBe(2));
      expect(told.state['/y']).toBe(1);
      await until(() => expect(told.state).not.toHaveProperty('/y'));
    } finally {
      clearInterval(writer);
    }
    expect(told.statuses.some(({ stale }) => stale !== undefined)).toBe(false);
  });

  it('does not wait for what came as a whole: a swap that takes away a key and adds a file is one event', async () => {
    const dir = temporaryDirectory();
    const swap = (version: number, files: Readonly<Record<string, object>>): void => {
      for (const [name, values] of Object.entries(files))
        write(join(dir, `..${version}`, name), values as Record<string, unknown>);
      for (const name of Object.keys(files))
        if (!existsSync(join(dir, name))) symlinkSync(join('..data', name), join(dir, name));
      symlinkSync(`..${version}`, join(dir, '..tmp'));
      renameSync(join(dir, '..tmp'), join(dir, '..data'));
    };
    swap(1, { 'a.yaml': { '/x': 1, '/y': 1 } });
    const told = await recordLive({ paths: [dir] });
    swap(2, { 'a.yaml': { '/x': 2 }, 'b.yaml': { '/z': 1 } });
    await until(() => expect(told.state).toEqual({ '/x': 2, '/z': 1 }));
    expect(told.events).toHaveLength(2);
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
