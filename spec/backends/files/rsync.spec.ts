import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordLive, temporaryDirectory, until, write } from '../../support/files.ts';
import { modes, rsyncs } from '../../support/rsync.ts';

const rounds = 5;
const nameOf = (i: number) => `${i}.${i % 2 === 0 ? 'yaml' : 'json'}`;

describe.each(rsyncs)('fromFiles: rsync --delete, %s', { timeout: 60_000 }, (_name, rsync) => {
  it.each(modes)('%s: the state of each round, nothing rejected but what moves, nothing stale', async (mode) => {
    const [from, to] = [join(temporaryDirectory(), 'from'), join(temporaryDirectory(), 'to')];
    mkdirSync(from);
    mkdirSync(to);
    const expected: Record<string, number> = {};
    const save = (place: string, i: number, value: number) => {
      write(join(from, place, nameOf(i)), { [`/${i}`]: value });
      expected[`/${i}`] = value;
    };
    for (let i = 0; i < 30; i++) save(`d${i % 3}`, i, 0);
    await rsync(from, to, mode);
    const told = await recordLive({ paths: [to] });
    expect(told.state).toEqual(expected);
    for (let round = 1; round <= rounds; round++) {
      for (let i = 0; i < 20; i += round) save(`d${i % 3}`, i, round);
      save(`new${round}/deep`, 100 + round, round);
      rmSync(join(from, `d${(20 + round) % 3}`, nameOf(20 + round)));
      delete expected[`/${20 + round}`];
      if (round > 1) renameSync(join(from, `new${round - 1}`), join(from, `z${round - 1}`));
      await rsync(from, to, mode);
      await until(() => expect(told.state).toEqual(expected));
    }
    // What moves may be seen in both places, or in none of them, but for the mode that takes nothing away before all has come.
    const moved = /^(reject|delete) \/10/;
    expect(told.log.filter((line) => line.startsWith('reject') && !moved.test(line))).toEqual([]);
    if (mode === '--delete-after') expect(told.log.filter((line) => /^delete \/10/.test(line))).toEqual([]);
    expect(told.statuses.some(({ stale }) => stale !== undefined)).toBe(false);
  });
});
