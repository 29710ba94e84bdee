import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesStatus } from '../../../lib/backends/files/index.ts';
import { readPieces } from '../../../lib/backends/files/largeYaml.ts';
import { parseFile, type Reading } from '../../../lib/backends/files/parse.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { decodeText, encodeText } from '../../../lib/internal/bytes.ts';
import type { DatasyncError } from '../../../lib/model/errors.ts';
import { recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

/** Entries as JSON texts, errors as their messages; or the error of the file. */
async function shown(file: string, text: string, reading?: Reading): Promise<Record<string, string> | string> {
  try {
    const entries = [...(await parseFile(file, encodeText(text), reading)).values()];
    const texts = entries.map((entry) =>
      'error' in entry ? `! ${entry.error.message.slice('[rx-datasync/files] '.length)}` : decodeText(entry.value),
    );
    return Object.fromEntries(entries.map(({ key }, index) => [key, texts[index]!]));
  } catch (error) {
    return (error as DatasyncError).message.slice('[rx-datasync/files] '.length);
  }
}

const lost = (number: string) => `has the number ${number}, which would lose digits: write it as a text`;

describe('a number that JavaScript cannot hold', () => {
  it('rejects its entry in JSON, with its place, and no other', async () => {
    const text =
      '{"data": [\n {"key": "a", "value": {"id": [12345678901234567891]}},\n {"key": "b", "value": 9007199254740992},\n {"key": "c", "value": 0.1234567890123456789}]}';
    expect(await shown('x.json', text)).toEqual({
      a: `! x.json:2:32: data[0] ("a") ${lost('12345678901234567891')}`,
      b: '9007199254740992',
      c: `! x.json:4:24: data[2] ("c") ${lost('0.1234567890123456789')}`,
    });
  });

  it('rejects its entry in YAML, in whatever base and through an alias', async () => {
    const text =
      'big: &big 9007199254740993\ndata:\n  - {key: a, value: [*big]}\n  - {key: b, value: 0x20000000000000}\n  - {key: c, value: 0xffffffffffffffff}\n  - {key: d, value: -0.12345678901234567890123}\n  - {key: e, value: !!int "-0o777777777777777777777"}\n';
    const entries = (await shown('x.yaml', text)) as Record<string, string>;
    expect(entries).toEqual({
      a: `! x.yaml:3:5: data[0] ("a") ${lost('9007199254740993')}`,
      b: '9007199254740992',
      c: `! x.yaml:5:5: data[2] ("c") ${lost('0xffffffffffffffff')}`,
      d: `! x.yaml:6:5: data[3] ("d") ${lost('-0.12345678901234567890123')}`,
      e: `! x.yaml:7:5: data[4] ("e") ${lost('-0o777777777777777777777')}`,
    });
  });

  it('is no loss in a text, in what is not read, and as a name', async () => {
    const json =
      '{"version": 12345678901234567891, "data": [{"key": "a", "value": "12345678901234567891", "serial": 1e400}]}';
    const yaml =
      'version: 12345678901234567891\ndata:\n  - {key: a, value: "12345678901234567891", serial: 9007199254740993}\n  - {key: b, value: {9007199254740993: 1}}\n';
    expect(await shown('x.json', json)).toEqual({ a: '"12345678901234567891"' });
    expect(await shown('x.yaml', yaml)).toEqual({ a: '"12345678901234567891"', b: '{"9007199254740993":1}' });
    expect(await shown('x.yaml', 'data:\n  - {key: 9007199254740993, value: 1}\n')).toBe(
      "x.yaml:2:5: data[0] has a `key` that is a number; expected { key: 'a text', value }",
    );
    expect(await shown('x.yaml', 'data:\n  - {key: a, value: {9007199254740993: 1, "9007199254740993": 2}}\n')).toMatch(
      /^x\.yaml:2:44: duplicated mapping key/,
    );
  });

  it('rejects a text that holds JSON', async () => {
    const reading = { jsonStrings: true };
    const text = 'data:\n  - key: a\n    value: \'{"id": 12345678901234567891}\'\n';
    const message = `data[0] ("a") has a text as its value that ${lost('12345678901234567891')}`;
    expect(await shown('x.yaml', text, reading)).toEqual({ a: `! x.yaml:2:5: ${message}` });
    expect(await shown('x.yaml', text.replace('12345678901234567891', '1, "id": 1'), reading)).toEqual({
      a: '! x.yaml:2:5: data[0] ("a") has a text as its value that has the member "id" twice',
    });
  });

  it('is an error of the file where a function reads the document', async () => {
    const reading: Reading = { project: (document) => [{ key: 'a', value: document }] };
    expect(await shown('x.json', '{"a":\n 12345678901234567891}', reading)).toBe(
      `x.json:2:2: it ${lost('12345678901234567891')}`,
    );
    expect(await shown('x.yaml', 'a: 1\n---\nb:\n - 9007199254740993\n', reading)).toBe(
      `x.yaml: document 2: it ${lost('9007199254740993')}`,
    );
  });

  it('is an error of its entry alone in a large YAML file too, with the place where it stands now', async () => {
    const text = 'data:\n  - {key: a, value: 1}\n  - {key: b, value: 9007199254740993}\n';
    const { signal } = new AbortController();
    const first = await readPieces('x.yaml', Buffer.from(text), undefined, {}, signal);
    const now = await readPieces('x.yaml', Buffer.from(text.replace('  -', '  - {key: c}\n  -')), first, {}, signal);
    for (const [file, line, item] of [
      [first, 3, 1],
      [now, 4, 2],
    ] as const) {
      expect(file?.entries.get('a')).toHaveProperty('value');
      expect(file?.entries.get('b')).toMatchObject({ error: { code: 'PARSE_FAILED', key: 'b', line, column: 5 } });
      const { error } = file!.entries.get('b') as { error: Error };
      expect(error.message).toContain(`x.yaml:${line}:5: data[${item}] ("b") ${lost('9007199254740993')}`);
    }
  });

  it('is refused as a status, and told where somebody has written it', async () => {
    const path = join(temporaryDirectory(), 'status.json');
    const status = filesStatus({ path, codec: textCodec });
    const failure = await status.put('/n', '{"id": 12345678901234567891}').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ENCODE_FAILED', key: '/n' });
    expect((failure as DatasyncError).message).toContain(lost('12345678901234567891'));
    await status.put('/n', '{"id": "12345678901234567891"}');
    expect(await status.get('/n')).toMatchObject({ value: '{"id":"12345678901234567891"}' });
    write(path, '{"data": [{"key": "/n", "value": 12345678901234567891}]}');
    await expect(status.get('/n')).rejects.toMatchObject({ code: 'DECODE_FAILED', key: '/n' });
  });

  it('keeps what was last good, in both formats, and comes back', async () => {
    const directory = temporaryDirectory();
    for (const name of ['a.json', 'b.yaml']) {
      const file = join(directory, name);
      write(file, { '/x': 1, '/y': 1 });
      const recorded = await recordLive({ paths: [file] });
      write(file, { '/x': 'NUMBER', '/y': 2 });
      write(
        file,
        (name === 'a.json'
          ? '{"data": [{"key": "/x", "value": NUMBER}, {"key": "/y", "value": 2}]}'
          : 'data:\n- {key: /x, value: NUMBER}\n- {key: /y, value: 2}\n'
        ).replace('NUMBER', '9007199254740993'),
      );
      await until(() => expect(recorded.log).toContain('reject /x'));
      expect(recorded.state).toEqual({ '/x': 1, '/y': 2 });
      expect(recorded.stale).toBeUndefined();
      write(file, { '/x': '9007199254740993', '/y': 2 });
      await until(() => expect(recorded.state).toEqual({ '/x': '9007199254740993', '/y': 2 }));
    }
  });
});

describe('a member that stands twice in a JSON object', () => {
  it('is an error of the entry inside of a value, with its place', async () => {
    const text =
      '{"data": [\n{"key": "a", "value": {"b": [{"mtu": 1,\n "\\u006dtu": 2}]}},\n{"key": "b", "value": 1, "value": 7},\n{"key": "c", "value": {"x": {"x": 1}, "y": {"x": 1}}}]}';
    expect(await shown('x.json', text)).toEqual({
      a: '! x.json:3:2: data[0] ("a") has the member "mtu" twice',
      b: '! x.json:4:26: data[1] ("b") has the member "value" twice',
      c: '{"x":{"x":1},"y":{"x":1}}',
    });
  });

  it('is an error of the file where it is its `data`, or the `key` of an item', async () => {
    expect(await shown('x.json', '{"data": [{"key": "a", "value": 1}],\n "data": []}')).toBe(
      'x.json:2:2: it has the member "data" twice',
    );
    expect(await shown('x.json', '{"data": [{"key": "a", "value": 1, "key": "b"}]}')).toBe(
      'x.json:1:36: data[0] has the member "key" twice',
    );
  });

  it('is none where nothing reads it, but where a function may', async () => {
    const text = '{"//": 1, "//": 2, "data": [{"key": "a", "value": 1, "//": 1, "//": 2}]}';
    expect(await shown('x.json', text)).toEqual({ a: '1' });
    expect(await shown('x.json', text, { project: () => [] })).toBe('x.json:1:11: it has the member "//" twice');
  });

  it('is an error of the file in YAML', async () => {
    expect(await shown('x.yaml', 'data: []\ndata: []\n')).toMatch(/^x\.yaml:2:1: duplicated mapping key/);
    expect(await shown('x.yaml', 'data:\n  - {key: a, value: 1, value: 2}\n')).toMatch(/duplicated mapping key/);
  });

  it('is not seen in texts, and found whatever is in them', async () => {
    const value = { 'a"': '"b": "b": 1e5', '\\': '\\"', '"c":': ['\\\\', '"'], __proto__: 1 };
    const text = `{"data": [{"key": "a", "value": ${JSON.stringify(value)}}]}`;
    expect(await shown('x.json', text)).toEqual({ a: JSON.stringify(value) });
    const twice = text.replace('"\\\\":', '"a\\"":');
    expect(await shown('x.json', twice)).toEqual({
      a: expect.stringContaining('data[0] ("a") has the member "a\\"" twice') as string,
    });
  });

  it('takes a value that is nested as deep as a text allows', async () => {
    const deep = `{"data": [], "x": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(await shown('x.json', deep)).toEqual({});
  });
});
