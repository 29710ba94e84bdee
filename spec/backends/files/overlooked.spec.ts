import { mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

const file = (dir: string, i: number) => join(dir, `f${String(i).padStart(3, '0')}.json`);

/** The entries of a document, after something was done in the middle of a look. */
function meddling(): { project: (document: unknown) => never; next: (meddle: () => void) => void } {
  let meddle: (() => void) | undefined;
  return {
    project: (document) => {
      const now = meddle;
      meddle = undefined;
      now?.();
      return (document as { data: never }).data;
    },
    next: (what) => {
      meddle = what;
    },
  };
}

describe('what happens while files are looked at', () => {
  it('a configured file is removed: it stays', async () => {
    const dir = temporaryDirectory();
    const extra = join(dir, 'extra.json');
    write(extra, { '/extra': 1 });
    for (let i = 0; i < 100; i++) write(file(join(dir, 'd'), i), { [`/k${i}`]: 0 });
    const { project, next } = meddling();
    const told = await recordLive({ paths: [join(dir, 'd'), extra], project });
    next(() => unlinkSync(extra));
    write(file(join(dir, 'd'), 0), { '/k0': 1 });
    await until(() => expect(told.state['/k0']).toBe(1));
    await until(() => expect(told.stale?.message).toContain('extra.json'));
    expect(told.state['/extra']).toBe(1);
    expect(told.log.filter((line) => line.includes('/extra'))).toEqual([]);
  });

  it('an entry moves into a file that was looked at already: it is not deleted in between', async () => {
    const dir = temporaryDirectory();
    for (let i = 0; i < 200; i++) write(file(dir, i), { [`/k${i}`]: 0 });
    write(file(dir, 199), { '/k199': 0, '/y': 1 });
    const { project, next } = meddling();
    const told = await recordLive({ paths: [dir], project });
    next(() => {
      write(file(dir, 0), { '/k0': 0, '/y': 1, '/moved': 1 });
      write(file(dir, 199), { '/k199': 0 });
      // Until they have stood still for so long that they are believed.
      for (const end = Date.now() + 100; Date.now() < end; );
    });
    write(file(dir, 100), { '/k100': 1 });
    await until(() => expect(told.state['/moved']).toBe(1));
    expect(told.state['/y']).toBe(1);
    expect(told.log.filter((line) => line.startsWith('delete /y'))).toEqual([]);
  });
});

describe('what is on its way holds up nothing else', () => {
  it.each([
    ['it is removed', (dir: string) => rmSync(join(dir, 'A/a.yaml'))],
    ['its directory is moved away', (dir: string) => renameSync(join(dir, 'A'), join(dir, 'gone'))],
  ])('a file that may be half-written, and then %s', async (_, remove) => {
    const dir = temporaryDirectory();
    write(join(dir, 'A/a.yaml'), { '/x': 1, '/y': 1 });
    write(join(dir, 'b.json'), { '/z': 1 });
    const told = await recordLive({ paths: [join(dir, 'A/a.yaml'), join(dir, 'A'), join(dir, 'b.json')] });
    // Longer than what was written at the start may be half.
    await sleep(1_200);
    write(join(dir, 'A/a.yaml'), { '/x': 1 });
    await sleep(300);
    remove(dir);
    await until(() => expect(told.stale?.message).toContain('A'));
    write(join(dir, 'b.json'), { '/z': 2 });
    await until(() => expect(told.state['/z']).toBe(2));
    expect(told.state['/y']).toBe(1);
  });

  it('ever another file is written: the others are told, also to who has just come', { timeout: 60_000 }, async () => {
    const dir = temporaryDirectory();
    for (let i = 0; i < 50; i++) write(file(dir, i), { [`/k${i}`]: 0 });
    write(join(dir, 'other.json'), { '/other': 0 });
    const told = await recordLive({ paths: [dir] });
    let goesOn = true;
    const writing = (async () => {
      for (let n = 1; goesOn; n++) {
        write(file(dir, n % 50), { [`/k${n % 50}`]: n });
        await sleep(15);
      }
    })();
    try {
      await sleep(200);
      write(join(dir, 'other.json'), { '/other': 1 });
      await until(() => expect(told.state['/other']).toBe(1), { timeout: 25_000 });
      const late = await recordLive({ paths: [dir] });
      await until(() => expect(late.state['/other']).toBe(1), { timeout: 25_000 });
    } finally {
      goesOn = false;
      await writing;
    }
    expect(told.log.filter((line) => line.startsWith('delete'))).toEqual([]);
  });
});

describe('a resync that is asked for', () => {
  it('in doubt about an empty directory: what was in it stays', async () => {
    const dir = temporaryDirectory();
    for (let i = 0; i < 3; i++) write(join(dir, `m/f${i}.json`), { [`/k${i}`]: 1 });
    const resyncOn = new Subject<void>();
    const told = await recordLive({ paths: [join(dir, 'm')], resyncOn });
    renameSync(join(dir, 'm'), join(dir, 'away'));
    mkdirSync(join(dir, 'm'));
    await until(() => expect(told.stale?.code).toBe('SHRUNK'));
    const events = told.events.length;
    resyncOn.next();
    await sleep(1_000);
    expect(Object.keys(told.state)).toHaveLength(3);
    // It is believed in the end.
    await until(() => expect(told.state).toEqual({}));
    expect(told.events.length).toBeGreaterThan(events);
  });

  it('while a path is what it must not be: the subscription goes on', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'config/a.json'), { '/x': 1 });
    const resyncOn = new Subject<void>();
    const told = await recordLive({ paths: [join(dir, 'config')], resyncOn });
    renameSync(join(dir, 'config'), join(dir, 'old'));
    writeFileSync(join(dir, 'config'), 'x');
    await until(() => expect(told.stale).toBeDefined());
    resyncOn.next();
    await sleep(500);
    expect(told.error).toBeUndefined();
    rmSync(join(dir, 'config'));
    renameSync(join(dir, 'old'), join(dir, 'config'));
    write(join(dir, 'config/a.json'), { '/x': 2 });
    await until(() => expect(told.state).toEqual({ '/x': 2 }));
  });
});
