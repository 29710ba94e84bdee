import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ChangeEvent, ResyncEvent } from '../../../lib/model/events.ts';
import { record, recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

describe('fromFiles: files that cannot be parsed', () => {
  it('keeps their entries, rejects their keys with the place of the fault, is stale, and tells when they are mended', async () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.yaml');
    write(file, { '/a': 1, '/b': { x: 1 } });
    write(join(dir, 'b.yaml'), { '/c': 1 });
    const told = await recordLive({ paths: [dir] });

    write(file, 'data:\n  - key: /a\n    value: [1\n');
    await until(() => expect(told.events).toHaveLength(2));
    const { changes, rejected } = told.events[1] as ChangeEvent<unknown>;
    expect(changes).toEqual([]);
    const place = { code: 'PARSE_FAILED', file, line: 4, column: 1 };
    expect(rejected).toMatchObject([
      { key: '/a', raw: undefined, lastGood: 1, error: place },
      { key: '/b', raw: undefined, lastGood: { x: 1 }, error: place },
    ]);
    expect(told.stale).toMatchObject(place);

    // The rest goes on; the same complaint is not told twice, another one is.
    write(file, 'data:\n  - key: /a\n    value: [2\n');
    write(join(dir, 'b.yaml'), { '/c': 2 });
    await until(() => expect(told.state['/c']).toBe(2));
    write(file, '');
    await until(() => expect(told.stale?.message).toMatch(/it is empty/));
    await until(() => expect(told.events).toHaveLength(4));

    write(file, { '/a': 1, '/b': { x: 2 } });
    await until(() => expect(told.stale).toBeUndefined());
    expect(told.log).toEqual([
      'resync initial',
      'reject /a',
      'reject /b',
      'put /c 1 > 2',
      'reject /a',
      'reject /b',
      'put /a 1 > 1',
      'put /b {"x":1} > {"x":2}',
    ]);
  });

  it('rejects only the entry that is wrong', async () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.yaml');
    write(file, { '/a': 1, '/b': 1 });
    const told = await recordLive({ paths: [dir] });
    write(file, 'data:\n  - {key: /a, value: 2}\n  - {key: /b}\n');
    await until(() => expect(told.state).toEqual({ '/a': 2, '/b': 1 }));
    expect((told.events[1] as ChangeEvent<unknown>).rejected).toMatchObject([
      { key: '/b', lastGood: 1, error: { file, line: 3, column: 5 } },
    ]);
    write(file, { '/a': 2 });
    await until(() => expect(told.state).toEqual({ '/a': 2 }));
    expect(told.log.at(-1)).toBe('delete /b 1');
  });

  it('makes stale, no more, by a file that never could be parsed', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    write(join(dir, 'b.json'), '{"data": [');
    const told = await recordLive({ paths: [dir] });
    expect((told.events[0] as ResyncEvent<unknown>).rejected).toEqual([]);
    expect(told.stale).toMatchObject({ code: 'PARSE_FAILED', file: join(dir, 'b.json'), line: 1, column: 11 });
    write(join(dir, 'c.json'), 'data: []');
    await until(() => expect(told.stale?.message).toMatch(/b\.json.* \(and 1 more\)$/));
    write(join(dir, 'b.json'), { '/b': 1 });
    rmSync(join(dir, 'c.json'));
    await until(() => expect(told.stale).toBeUndefined());
    expect(told.log).toEqual(['resync initial', 'put /b none > 1']);
  });

  it('tells a removed broken file as deletes', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    const told = await recordLive({ paths: [dir] });
    write(join(dir, 'a.json'), 'x');
    await until(() => expect(told.events).toHaveLength(2));
    rmSync(join(dir, 'a.json'));
    await until(() => expect(told.state).toEqual({}));
    expect(told.stale).toBeUndefined();
  });
});

describe('fromFiles: what is missing or cannot be read', () => {
  it('never tells an empty first resync because of troubles', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), 'broken');
    const told = record({ paths: [dir, join(dir, '../missing')] });
    await until(() => expect(told.stale?.message).toMatch(/missing does not exist.*\(and 1 more\)$/));
    expect(told.events).toEqual([]);
    expect(told.status.state).not.toBe('live');
    write(join(dir, 'a.json'), {});
    await until(() => expect(told.stale?.message).not.toMatch(/more/));
    expect(told.events).toEqual([]);
    write(join(dir, 'a.json'), { '/a': 1 });
    await until(() => expect(told.state).toEqual({ '/a': 1 }));
    expect(told.stale).toMatchObject({ code: 'UNREADABLE' });
  });

  it('waits for a path that does not exist yet, however deep', async () => {
    const dir = join(temporaryDirectory(), 'not/yet');
    const told = record({ paths: [dir] });
    await until(() => expect(told.stale).toMatchObject({ code: 'UNREADABLE', file: dir }));
    mkdirSync(dir, { recursive: true });
    await until(() => expect(told.events).toMatchObject([{ type: 'resync', reason: 'initial' }]));
    await until(() => expect(told.stale).toBeUndefined());
    write(join(dir, 'a.json'), { '/a': 1 });
    await until(() => expect(told.state).toEqual({ '/a': 1 }));
  });

  it('ends at the start where a path must exist', async () => {
    const dir = temporaryDirectory();
    const told = record({ paths: [dir, join(dir, 'missing.yaml')], mustExist: true });
    await until(() => expect(told.error).toMatchObject({ code: 'UNREADABLE', file: join(dir, 'missing.yaml') }));
    expect(told.error?.message).toMatch(/mustExist/);
    expect(told.events).toEqual([]);
  });

  it('does not end later where a path must exist', async () => {
    const dir = join(temporaryDirectory(), 'config');
    write(join(dir, 'a.json'), { '/a': 1 });
    const resyncOn = new Subject<void>();
    const told = await recordLive({ paths: [dir], mustExist: true, resyncOn });
    renameSync(dir, `${dir}2`);
    await until(() => expect(told.stale?.code).toBe('UNREADABLE'));
    resyncOn.next();
    renameSync(`${dir}2`, dir);
    await until(() => expect(told.log).toEqual(['resync initial', 'resync requested']));
    expect([told.error, told.state]).toEqual([undefined, { '/a': 1 }]);
  });

  it('takes nothing away on a resync while something is broken, and what is gone when it is mended', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1, '/gone': 1 });
    write(join(dir, 'b.json'), { '/b': 1 });
    const resyncOn = new Subject<void>();
    const told = await recordLive({ paths: [dir], resyncOn });
    write(join(dir, 'a.json'), 'broken');
    await until(() => expect(told.stale).toBeDefined());
    resyncOn.next();
    await until(() => expect(told.events.at(-1)).toMatchObject({ type: 'resync', reason: 'requested' }));
    expect(told.state).toEqual({ '/a': 1, '/gone': 1, '/b': 1 });
    expect((told.events.at(-1) as ResyncEvent<unknown>).rejected.map(({ key }) => key)).toEqual(['/a', '/gone']);
    write(join(dir, 'a.json'), { '/a': 1 });
    await until(() => expect(told.state).toEqual({ '/a': 1, '/b': 1 }));
    expect(told.log.slice(-2)).toEqual(['delete /gone 1', 'put /a 1 > 1']);
    expect(told.stale).toBeUndefined();
  });

  it('keeps the entries of files and directories that cannot be looked into', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    write(join(dir, 'sub/b.json'), { '/b': 1 });
    const told = await recordLive({ paths: [dir] });
    // A link to itself can be seen but not followed, also by root.
    for (const name of ['a.json', 'sub']) {
      renameSync(join(dir, name), join(dir, `.${name}`));
      symlinkSync(join(dir, name), join(dir, name));
    }
    await until(() => expect(told.stale?.message).toMatch(/a\.json cannot be read \(ELOOP.*and 1 more/));
    write(join(dir, 'c.json'), { '/c': 1 });
    await until(() => expect(told.state).toEqual({ '/a': 1, '/b': 1, '/c': 1 }));
    for (const name of ['a.json', 'sub']) {
      rmSync(join(dir, name));
      renameSync(join(dir, `.${name}`), join(dir, name));
    }
    await until(() => expect(told.stale).toBeUndefined());
    expect(told.log).toEqual(['resync initial', 'put /c none > 1']);
  });

  it('ends where a configured file is of no known format', async () => {
    const file = join(temporaryDirectory(), 'a.toml');
    write(file, 'x = 1');
    const told = record({ paths: [file] });
    await until(() => expect(told.error).toMatchObject({ code: 'INVALID_CONFIG', file }));
    expect(told.error?.message).toMatch(/known are \.json, \.yaml, \.yml$/);
  });
});
