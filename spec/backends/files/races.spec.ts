import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { json, recordLive, temporaryDirectory, until, write, yaml } from '../../support/files.ts';

/** So long that only hints can lead to a scan. */
const never = 3_600_000;

type Save = (file: string, text: string) => void;
const inPlace: Save = (file, text) => writeFileSync(file, text);
const renamed: Save = (file, text) => {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
};

describe('fromFiles: races', () => {
  // 20 directories × 25 pairs of writes; the gaps go from 0 to 120 ms, mixed over directories and rounds.
  it('never loses the second of two writes 0 to 120 ms apart, 500 times, by hints alone', {
    timeout: 120_000,
  }, async () => {
    const parent = temporaryDirectory();
    const runs = Array.from({ length: 20 }, async (_, run) => {
      const save = run % 2 === 0 ? inPlace : renamed;
      const [name, textOf] = run % 4 < 2 ? (['a.yaml', yaml] as const) : (['a.json', json] as const);
      const file = join(parent, String(run), name);
      write(file, { '/k': 'start' });
      const told = await recordLive({ paths: [run % 5 === 0 ? file : join(parent, String(run))], rescan: never });
      for (let round = 0; round < 25; round++) {
        save(file, textOf({ '/k': `${round} first` }));
        const gap = ((run * 25 + round) * 37) % 200;
        if (gap > 0) await pause(gap * 0.6);
        save(file, textOf({ '/k': `${round} last.` }));
        await until(() => expect(told.state).toEqual({ '/k': `${round} last.` }));
      }
      expect(told.log.filter((line) => /^(delete|reject)/.test(line))).toEqual([]);
    });
    await Promise.all(runs);
  });

  it('does not believe half a YAML file whose writer rests between two pieces', async () => {
    const dir = temporaryDirectory();
    const keys = Array.from({ length: 12 }, (_, i) => `/k${i}`);
    const values = (value: number) => Object.fromEntries(keys.map((key) => [key, value]));
    write(join(dir, 'a.yaml'), values(0));
    const told = await recordLive({ paths: [dir] });
    for (const round of [1, 2]) {
      const handle = openSync(join(dir, 'a.yaml'), 'w');
      // Every piece ends an entry: what stands there is valid YAML at any time.
      for (const piece of yaml(values(round)).split(/(?<=value: \d\n)/)) {
        writeSync(handle, piece);
        await pause(15);
      }
      closeSync(handle);
      await until(() => expect(told.state).toEqual(values(round)));
    }
    expect(told.log.filter((line) => /^(delete|reject)/.test(line))).toEqual([]);
  });

  it('tells no deletion while files move from directory to directory', async () => {
    const dir = temporaryDirectory();
    const places = ['a', 'b/deep', 'c'].map((name) => join(dir, name));
    for (const place of places) mkdirSync(place, { recursive: true });
    const names = Array.from({ length: 20 }, (_, i) => `f${i}.json`);
    for (const [i, name] of names.entries()) write(join(places[0]!, name), { [`/${i}`]: i });
    const told = await recordLive({ paths: [dir], rescan: 10 });
    for (let move = 0; move < 150; move++) {
      for (const name of names) renameSync(join(places[move % 3]!, name), join(places[(move + 1) % 3]!, name));
      await pause(move % 7);
    }
    write(join(dir, 'end.json'), { '/end': true });
    await until(() => expect(told.state['/end']).toBe(true));
    expect(told.log).toEqual(['resync initial', 'put /end none > true']);
  });

  it('ends with the truth, with no error, while everything is written to during the first scan', async () => {
    const dir = temporaryDirectory();
    for (let i = 0; i < 100; i++) write(join(dir, `d${i % 10}/f${i}.yaml`), { [`/${i}`]: 0 });
    const recording = recordLive({ paths: [dir] });
    for (let round = 1; round <= 20; round++) {
      for (let i = round; i < 100; i += 7) write(join(dir, `d${i % 10}/f${i}.yaml`), { [`/${i}`]: round });
      await pause(20);
    }
    for (let i = 0; i < 100; i++) write(join(dir, `d${i % 10}/f${i}.yaml`), { [`/${i}`]: 99 });
    const told = await recording;
    const expected = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`/${i}`, 99]));
    await until(() => expect(told.state).toEqual(expected));
    expect(told.log.filter((line) => /^(delete|reject)/.test(line))).toEqual([]);
  });
});
