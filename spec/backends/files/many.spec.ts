import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { json, recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

describe('fromFiles: many files', { timeout: 120_000 }, () => {
  it('reads 10,000 files at the start, and all of them again after a burst', async () => {
    const dir = temporaryDirectory();
    const nameOf = (i: number) => join(dir, `d${i % 100}`, `${i}.json`);
    const save = (value: number) => {
      for (let i = 0; i < 10_000; i++) writeFileSync(nameOf(i), json({ [`/${i}`]: value }));
    };
    for (let i = 0; i < 100; i++) mkdirSync(join(dir, `d${i}`));
    save(0);
    const patient = { timeout: 60_000 };
    const told = await recordLive({ paths: [dir] });
    expect(told.followed.size).toBe(10_000);
    // The loop is busy meanwhile: the queue of the system's events runs over.
    save(1);
    await until(() => expect([...told.followed.values()].every((value) => value === 1)).toBe(true), patient);
    expect(told.log.filter((line) => !line.startsWith('put'))).toEqual(['resync initial']);
    told.subscription?.unsubscribe();
  });

  it('follows git from branch to branch, to and fro', async () => {
    const dir = temporaryDirectory();
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', '-C', dir, ...args], {
        stdio: 'pipe',
        // Inside of a git hook these say which repository is meant.
        env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
      });
    git('init', '-q', '-b', 'main');
    const states: Record<string, Record<string, number>> = { main: {}, other: {} };
    for (const branch of ['main', 'other']) {
      if (branch === 'other') git('checkout', '-q', '-b', 'other');
      for (let i = 0; i < 200; i++) {
        // Of three files one is the same, one differs, one is somewhere else.
        const place = i % 3 === 2 ? `${branch}/${i}.yaml` : `d${i % 7}/${i}.yaml`;
        const value = i % 3 === 1 ? i + branch.length : i;
        if (branch === 'other' && i % 3 === 2) rmSync(join(dir, `main/${i}.yaml`));
        write(join(dir, place), { [`/${i}`]: value });
        states[branch]![`/${i}`] = value;
      }
      git('add', '-A');
      git('commit', '-qm', branch);
    }
    const told = await recordLive({ paths: [dir] });
    expect(told.state).toEqual(states['other']);
    for (let round = 0; round < 6; round++) {
      const branch = round % 2 === 0 ? 'main' : 'other';
      git('checkout', '-q', branch);
      await until(() => expect(told.state).toEqual(states[branch]));
    }
    // What is somewhere else now was never gone.
    expect(told.log.filter((line) => /^(delete|reject)/.test(line))).toEqual([]);
  });

  it('tells 20 swaps of a mounted ConfigMap as 20 changes', async () => {
    const dir = temporaryDirectory();
    const publish = (version: number) => {
      for (const name of ['a.yaml', 'b.yaml', 'c.json'])
        write(join(dir, `..${version}`, name), { [`/${name}`]: version });
      symlinkSync(`..${version}`, join(dir, '..data_tmp'));
      renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
      rmSync(join(dir, `..${version - 1}`), { recursive: true, force: true });
    };
    publish(0);
    for (const name of ['a.yaml', 'b.yaml', 'c.json']) symlinkSync(join('..data', name), join(dir, name));
    const told = await recordLive({ paths: [dir], rescan: 3_600_000 });
    for (let version = 1; version <= 20; version++) {
      publish(version);
      await until(() => expect(told.state).toEqual({ '/a.yaml': version, '/b.yaml': version, '/c.json': version }));
    }
    expect(told.events.map(({ type }) => type)).toEqual(['resync', ...Array.from({ length: 20 }, () => 'change')]);
  });

  it('follows a directory that is deleted and made again 20 times', async () => {
    const dir = join(temporaryDirectory(), 'config');
    write(join(dir, 'a.json'), { '/a': 0 });
    const told = await recordLive({ paths: [dir], rescan: 3_600_000 });
    for (let round = 1; round <= 20; round++) {
      rmSync(dir, { recursive: true });
      if (round % 2 === 0) await until(() => expect(told.stale?.code).toBe('UNREADABLE'));
      write(join(dir, 'a.json'), { '/a': round });
      await until(() => expect(told.state).toEqual({ '/a': round }));
      await until(() => expect(told.stale).toBeUndefined());
    }
    expect(told.log).toEqual(['resync initial', ...Array.from({ length: 20 }, (_, i) => `put /a ${i} > ${i + 1}`)]);
  });
});
