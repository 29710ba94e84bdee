import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ShrinkConfig } from '../../../lib/backends/files/config.ts';
import { nothingScanned, type Scanned } from '../../../lib/backends/files/scan.ts';
import { ShrinkGuard } from '../../../lib/backends/files/shrinkGuard.ts';
import { json, record, recordLive, temporaryDirectory, until, write, yaml } from '../../support/files.ts';
import { looker } from '../../support/looker.ts';

const before = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`/k${i}`, { mtu: 1500, up: true }]));
const after = Object.fromEntries(Object.keys(before).map((key) => [key, { mtu: 9000, up: false }]));
const formats = [
  ['a.yaml', yaml],
  ['a.json', json],
] as const;

const look = looker();
const keysOf = ({ files }: Scanned) => [...files.values()].flatMap(({ entries }) => [...(entries?.keys() ?? [])]);
const failureOf = ({ files }: Scanned) => [...files.values()].map(({ failure }) => failure?.code);

describe('a file that is written slowly', () => {
  it.each(formats)('%s: is not believed at any byte on the way, however long it takes', async (name, textOf) => {
    const file = join(temporaryDirectory(), name);
    write(file, before);
    const good = await look(file, nothingScanned, 1_000);
    let last = good;
    const text = textOf(after);
    writeFileSync(file, '');
    for (const char of text) {
      appendFileSync(file, char);
      last = await look(file, last, 20 + (text.length % 29));
      expect(keysOf(last)).toEqual(Object.keys(before));
    }
    last = await look(file, last, 1_000);
    expect([...last.files.values()][0]?.entries).not.toEqual([...good.files.values()][0]?.entries);
    expect([keysOf(last), last.problems]).toEqual([Object.keys(before), []]);
  });
});

describe('a file that stays truncated', () => {
  it.each(formats)(
    '%s: is rejected where it does not parse; with an end marker at every byte',
    async (name, textOf) => {
      const file = join(temporaryDirectory(), name);
      const isYaml = name.endsWith('.yaml');
      const whole = isYaml ? `${textOf(after)}...\n` : textOf(after);
      const options = { endMarker: '...' };
      write(file, isYaml ? `${textOf(before)}...\n` : textOf(before));
      let last = await look(file, nothingScanned, 1_000, options);
      for (let end = 0; end < whole.trimEnd().length; end++) {
        writeFileSync(file, whole.slice(0, end));
        last = await look(file, last, 5_000, options);
        expect([end, keysOf(last), failureOf(last)]).toEqual([end, Object.keys(before), ['PARSE_FAILED']]);
      }
      writeFileSync(file, whole);
      last = await look(file, last, 5_000, options);
      expect(failureOf(last)).toEqual([undefined]);
    },
  );

  it('loses no more than the allowed share of its keys at any byte, with a guard', async () => {
    const file = join(temporaryDirectory(), 'a.yaml');
    const whole = yaml(before);
    for (let end = 0; end <= whole.length; end++) {
      const guard = guardOf({ share: 0.3, confirm: Infinity });
      write(file, before);
      const good = await look(file, nothingScanned, 1_000);
      guard.check(good);
      writeFileSync(file, whole.slice(0, end));
      const found = await look(file, good, 5_000);
      const told = guard.check(found);
      const left = (scanned: Scanned) => keysOf(scanned).filter((key) => key in before).length;
      const lost = 5 - left(found);
      expect([end, left(told)]).toEqual([end, lost <= 1 ? 5 - lost : 5]);
      expect(told.problems.some(({ code }) => code === 'SHRUNK')).toBe(lost > 1);
    }
  });
});

const guardOf = (config: Required<ShrinkConfig>) => new ShrinkGuard(config);

describe('fromFiles: onShrink', () => {
  const five = { '/a': 1, '/b': 1, '/c': 1, '/d': 1, '/e': 1 };

  it('says that a file has lost most of its keys, and believes it when it has been so for a while', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), five);
    write(join(dir, 'b.json'), { '/other': 1 });
    const told = await recordLive({ paths: [dir], onShrink: { confirm: 700 } });
    write(join(dir, 'a.yaml'), { '/a': 2, '/b': 1 });
    await until(() => expect(told.stale?.code).toBe('SHRUNK'));
    expect(told.stale?.message).toBe(
      `[rx-datasync/files] ${join(dir, 'a.yaml')} has lost 3 of its 5 keys at once; they stay until it has been so for 700 ms`,
    );
    // All else goes on; nothing of the suspect is believed.
    write(join(dir, 'b.json'), { '/other': 2 });
    await until(() => expect(told.state['/other']).toBe(2));
    await until(() => expect(told.state).toEqual({ '/a': 2, '/b': 1, '/other': 2 }));
    await until(() => expect(told.stale).toBeUndefined());
    expect(told.log).toEqual([
      'resync initial',
      'put /other 1 > 2',
      'delete /c 1',
      'delete /d 1',
      'delete /e 1',
      'put /a 1 > 2',
    ]);
  });

  it('tells nothing where the keys come back before', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), five);
    const told = await recordLive({ paths: [dir], onShrink: { confirm: Infinity } });
    write(join(dir, 'a.yaml'), { '/a': 1 });
    await until(() => expect(told.stale?.code).toBe('SHRUNK'));
    write(join(dir, 'a.yaml'), { ...five, '/e': 2 });
    await until(() => expect(told.stale).toBeUndefined());
    expect(told.log).toEqual(['resync initial', 'put /e 1 > 2']);
  });

  it('holds a tree that loses most of its files, until a resync is asked for', async () => {
    const dir = temporaryDirectory();
    for (const key of Object.keys(five)) write(join(dir, `${key.slice(1)}.json`), { [key]: 1 });
    const resyncOn = new Subject<void>();
    const told = await recordLive({ paths: [dir], onShrink: { confirm: Infinity }, resyncOn });
    // One of five is no reason for suspicion.
    rmSync(join(dir, 'a.json'));
    await until(() => expect(told.state).not.toHaveProperty('/a'));
    for (const name of ['b', 'c', 'd']) rmSync(join(dir, `${name}.json`));
    await until(() => expect(told.stale?.code).toBe('SHRUNK'));
    expect(told.stale?.message).toMatch(/they stay until a resync is asked for \(and 2 more\)$/);
    expect(Object.keys(told.state).sort()).toEqual(['/b', '/c', '/d', '/e']);
    resyncOn.next();
    await until(() => expect(told.state).toEqual({ '/e': 1 }));
    await until(() => expect(told.stale).toBeUndefined());
  });

  it('does not take keys for lost that other files have now', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), five);
    const told = await recordLive({ paths: [dir], onShrink: { confirm: Infinity } });
    write(join(dir, 'a.yaml'), { '/a': 1 });
    write(join(dir, 'b.yaml'), { '/b': 1, '/c': 1, '/d': 1, '/e': 2 });
    await until(() => expect(told.state).toEqual({ ...five, '/e': 2 }));
    expect(told.log.at(-1)).toBe('put /e 1 > 2');
    expect(told.stale).toBeUndefined();
  });

  it.each([
    [{ share: 0 }, /'onShrink.share' must be a number between 0 and 1, not 0/],
    [{ confirm: -1 }, /'onShrink.confirm' must be a number of milliseconds, or Infinity, not -1/],
    [{ hold: true }, /unknown option 'onShrink.hold'; known are share, confirm/],
  ])('refuses %j', (onShrink, message) => {
    expect(() => record({ paths: ['.'], onShrink: onShrink as ShrinkConfig })).toThrow(message);
  });
});
