import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesStatus } from '../../../lib/backends/files/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { DatasyncError } from '../../../lib/model/errors.ts';
import { failureOf } from '../../support/failureOf.ts';
import { place, statusAt } from '../../support/statusFile.ts';

const text = (path: string) => readFileSync(path, 'utf8');

describe('filesStatus refuses', () => {
  const refusal = (path: string) => {
    const failure = failureOf(() => filesStatus({ path }));
    expect(failure).toMatchObject({ code: 'INVALID_CONFIG', backend: 'files', file: path });
    return failure.message;
  };

  it('a directory, a link, what is no file, and an extension it does not know', () => {
    const { dir, path } = place();
    expect(refusal(dir)).toContain(`no status can be kept at ${dir}: it is a directory; give the path of a file`);
    expect(refusal(`${dir}/new/`)).toContain('it is the name of a directory');
    symlinkSync(join(dir, 'elsewhere.json'), path);
    expect(refusal(path)).toContain('it is a link, which is not followed');
    expect(refusal('/dev/null')).toContain('it is no regular file');
    expect(refusal(join(dir, 'status.txt'))).toContain('its extension must say the format: .json, .yaml, .yml');
    expect(refusal(join(dir, 'status'))).toContain('its extension');
  });

  it('wrong options', () => {
    expect(failureOf(() => filesStatus({} as never)).message).toContain("the option 'path' is missing");
    expect(failureOf(() => filesStatus({ path: 'a.json', intervall: 1 } as never)).message).toContain('intervall');
  });

  it('a path that has become a directory or a link since, until that is gone', async () => {
    const { dir, path } = place();
    const status = statusAt(path);
    mkdirSync(path);
    await expect(status.put('a', 1)).rejects.toMatchObject({ code: 'UNREADABLE', file: path });
    await expect(status.get('a')).rejects.toThrow('it is a directory; give the path of a file');
    rmSync(path, { recursive: true });
    symlinkSync(join(dir, 'elsewhere.json'), path);
    await expect(status.put('a', 1)).rejects.toThrow('it is a link');
    expect(readdirSync(dir)).toEqual(['status.json']);
    rmSync(path);
    await status.put('a', 2);
    expect(await status.list()).toMatchObject([{ key: 'a', value: 2 }]);
  });

  it('a directory that does not exist, and makes none; what was asked for later is done', async () => {
    const { dir } = place();
    const path = join(dir, 'run', 'status.json');
    const status = statusAt(path);
    await expect(Promise.all([status.put('a', 1), status.put('b', 1)])).rejects.toMatchObject({
      code: 'UNWRITABLE',
      backend: 'files',
      file: path,
    });
    expect(readdirSync(dir)).toEqual([]);
    expect(await status.list()).toEqual([]);
    mkdirSync(join(dir, 'run'));
    await status.put('c', 1);
    expect(await status.listKeys()).toEqual(['c']);
  });

  it('a file that is none of its own, and leaves it as it is', async () => {
    const { path } = place('status.yaml');
    const mine = 'endpoints:\n  - 10.0.0.1\n';
    writeFileSync(path, mine);
    const status = statusAt(path);
    await expect(status.put('a', 1)).rejects.toMatchObject({ code: 'PARSE_FAILED', file: path });
    await expect(status.list()).rejects.toThrow(
      `the status file ${path} is none, and is left as it is; remove it, or give another path (${path}: it has no \`data\``,
    );
    expect(text(path)).toBe(mine);
    writeFileSync(path, '\n');
    await status.put('a', 1);
    expect(await status.listKeys()).toEqual(['a']);
  });

  it.each([
    ['status.json', '{"data": [{"key": "o", "value": 1}], "owner": "me"}', 'the member "owner" of the file'],
    ['status.json', '{"data": [{"key": "o", "value": 1, "note": 2}]}', 'the member "note" of data[0]'],
    ['status.json', '{"data": [{"key": "o", "value": 1}, {"key": "o", "value": 2}]}', 'the entry "o" would'],
    ['status.json', '{"data": [{"key": "o", "value": 9007199254740993}]}', 'the entry "o" would'],
    ['status.yaml', 'data: [{key: o, value: 1}]\n---\ndata: []\n', 'a second document'],
    ['status.yaml', '# mine\ndata: [{key: o, value: 1}]\n', 'a comment'],
    ['status.yaml', 'data:\n- key: o\n  value: "#"\n# mine\n', 'a comment'],
    ['status.yaml', 'data:\n- key: o # mine\n  value: 1\n', 'a comment'],
  ])('to lose what it does not know of, and reads what it knows: %s %j', async (name, mine, what) => {
    const { path } = place(name);
    writeFileSync(path, mine);
    const status = statusAt(path);
    const failure = (await status.put('a', 1).catch((error: unknown) => error)) as DatasyncError;
    expect(failure).toMatchObject({ code: 'UNWRITABLE', file: path });
    expect(failure.message).toContain(`the status file ${path} is left as it is: ${what}`);
    expect(text(path)).toBe(mine);
    expect(await status.listKeys()).toEqual(['o']);
    expect(await status.get('a')).toMatchObject({ found: false });
    // As soon as it is not there any more, also where the broker itself takes it out.
    if (what.startsWith('the entry')) await status.delete('o');
    else writeFileSync(path, name.endsWith('json') ? '{"data": []}' : 'data: []\n');
    await status.put('a', 1);
    expect(await status.listKeys()).toEqual(['a']);
  });

  it('no text of its own, whatever signs are in it', async () => {
    const { path } = place('status.yaml');
    const status = statusAt(path);
    const texts = ['# no comment', 'a\n# line\n #x\n', ' # x', 'x #', '#', 'a: "# b"\n- # c'];
    for (const [index, value] of texts.entries()) await status.put(`#${index} #`, { [value]: [value] });
    await status.close();
    await status.put('more', 1);
    expect((await status.list()).map(({ value }) => value)).toEqual([...texts.map((each) => ({ [each]: [each] })), 1]);
  });

  it('values that are not JSON, before anything is written', async () => {
    const { dir, path } = place();
    const status = filesStatus({ path, codec: textCodec });
    const txn = status.txn().put('a', '1').put('b', 'plain');
    await expect(txn.commit()).rejects.toMatchObject({ code: 'ENCODE_FAILED', key: 'b' });
    await expect(status.put('b', 'plain')).rejects.toThrow('use a codec that writes JSON');
    expect(readdirSync(dir)).toEqual([]);
    await status.put('a', ' { "b" : 1 } ');
    expect(text(path)).toContain('"value": {"b":1}');
  });
});
