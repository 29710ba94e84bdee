import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { decodeText } from '../../../lib/internal/bytes.ts';
import type { ChangeEvent, ResyncEvent } from '../../../lib/model/events.ts';
import { recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

describe('fromFiles: a key that two files have', () => {
  it('tells that of the first path, rejects that of the second with both places, and tells it when the first one goes', async () => {
    const dir = temporaryDirectory();
    const [first, second] = [join(dir, 'z.yaml'), join(dir, 'a.json')];
    write(first, { '/other': 1, '/k': 'first' });
    write(second, '{"data": [\n  {"key": "/k", "value": "second"}\n]}');
    const told = await recordLive({ paths: [first, second] });
    expect(told.state).toEqual({ '/other': 1, '/k': 'first' });
    const [refused] = (told.events[0] as ResyncEvent<unknown>).rejected;
    expect(refused).toMatchObject({
      key: '/k',
      lastGood: 'first',
      error: { code: 'DUPLICATE_KEY', key: '/k', file: second, line: 2, column: 3 },
    });
    expect(decodeText(refused!.raw!)).toBe('"second"');
    expect(refused!.error.message).toBe(
      `[rx-datasync/files] "/k" of ${second}:2:3 is not used: ${first}:4:5 has it too, and comes first`,
    );
    expect(told.stale).toBeUndefined();

    // The winner changes: told, and still there are two.
    write(first, { '/k': 'first, changed' });
    await until(() => expect(told.state).toEqual({ '/k': 'first, changed' }));
    const { rejected } = told.events[1] as ChangeEvent<unknown>;
    expect(rejected).toMatchObject([{ key: '/k', lastGood: 'first, changed' }]);
    expect(rejected[0]?.error.message).toContain(`${first}:2:5 has it too`);

    write(first, {});
    await until(() => expect(told.state).toEqual({ '/k': 'second' }));
    expect(told.log.slice(1)).toEqual([
      'delete /other 1',
      'put /k "first" > "first, changed"',
      'reject /k',
      'put /k "first, changed" > "second"',
    ]);
  });

  it('tells that it is over when the second one goes, and says it again on a resync while it is not', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), { '/k': 1 });
    const resyncOn = new Subject<void>();
    const told = await recordLive({ paths: [dir], resyncOn });
    for (const name of ['b.yaml', 'c.yaml']) copyFileSync(join(dir, 'a.yaml'), join(dir, name));
    await until(() => expect(told.log.at(-1)).toBe('reject /k'));
    expect((told.events.at(-1) as ChangeEvent<unknown>).rejected[0]?.error.message).toMatch(
      /"\/k" of .*b\.yaml:2:5 is not used: .*a\.yaml:2:5 has it too, and comes first \(and 1 more\)$/,
    );
    resyncOn.next();
    await until(() => expect(told.log.at(-1)).toBe('resync requested'));
    expect((told.events.at(-1) as ResyncEvent<unknown>).rejected).toMatchObject([{ key: '/k', lastGood: 1 }]);
    for (const name of ['b.yaml', 'c.yaml']) rmSync(join(dir, name));
    await until(() => expect(told.log.at(-1)).toBe('put /k 1 > 1'));
    expect(told.state).toEqual({ '/k': 1 });
  });

  it('rejects nothing while an entry moves, in whatever order the two files are saved', async () => {
    const dir = temporaryDirectory();
    const [a, b] = [join(dir, 'a.yaml'), join(dir, 'b.yaml')];
    write(a, { '/a': 1, '/moves': 0 });
    write(b, { '/b': 1 });
    const told = await recordLive({ paths: [dir] });
    for (let round = 1; round <= 10; round++) {
      const [from, to] = round % 2 === 1 ? ([a, b] as const) : ([b, a] as const);
      const saves = [
        () => write(from, { [from === a ? '/a' : '/b']: 1 }),
        () => write(to, { [to === a ? '/a' : '/b']: 1, '/moves': round }),
      ];
      for (const save of round % 4 < 2 ? saves : saves.reverse()) save();
      await until(() => expect(told.state['/moves']).toBe(round));
    }
    expect(told.log).toEqual(['resync initial', ...Array.from({ length: 10 }, (_, i) => `put /moves ${i} > ${i + 1}`)]);
  });

  it('takes the renaming of a directory of 200 files for no change, and with a change in it for one', async () => {
    const dir = temporaryDirectory();
    for (let i = 0; i < 200; i++) write(join(dir, `old/${i % 7}/${i}.json`), { [`/${i}`]: 0 });
    const told = await recordLive({ paths: [dir] });
    renameSync(join(dir, 'old'), join(dir, 'new'));
    write(join(dir, 'new/0/0.json'), { '/0': 1 });
    await until(() => expect(told.state['/0']).toBe(1));
    expect(told.log).toEqual(['resync initial', 'put /0 0 > 1']);
  });
});
