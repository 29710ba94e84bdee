import { describe, expect, it } from 'vitest';
import { hasFormat, parseFile } from '../../../lib/backends/files/parse.ts';
import { decodeText, encodeText } from '../../../lib/internal/bytes.ts';
import type { DatasyncError } from '../../../lib/model/errors.ts';

const parse = (file: string, text: string) => parseFile(file, encodeText(text));

/** Entries as JSON texts, errors as their messages. */
async function shown(file: string, text: string): Promise<Record<string, string>> {
  const entries = [...(await parse(file, text)).values()];
  return Object.fromEntries(
    entries.map((entry) => [entry.key, 'error' in entry ? `! ${entry.error.message}` : decodeText(entry.value)]),
  );
}

async function failureOf(file: string, text: string): Promise<DatasyncError> {
  return parse(file, text).then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as DatasyncError,
  );
}

describe('parseFile: what is read', () => {
  it('reads the same from JSON and YAML', async () => {
    const expected = { '/a': '{"x":[1,null]}', '/b': '"text"', '': 'null', '/é': 'false' };
    const json =
      '{"data": [{"key": "/a", "value": {"x": [1, null]}}, {"key": "/b", "value": "text"}, {"key": "", "value": null}, {"key": "/é", "value": false}]}';
    const yaml =
      "---\ndata:\n  -\n    key: '/a'\n    value: {x: [1, null]}\n  - key: /b\n    value: text\n  - { key: '', value: }\n  - { key: /é, value: false }\n";
    expect(await shown('x.json', json)).toEqual(expected);
    expect(await shown('x.yaml', yaml)).toEqual(expected);
    expect(await shown('x.yml', json)).toEqual(expected);
  });

  it('hands over plain bytes, without the white space of the file', async () => {
    const entry = (await parse('x.json', '{"data": [{"key": "a", "value": {\n "b" : 1 }}]}')).get('a')!;
    expect('value' in entry && Object.getPrototypeOf(entry.value) === Uint8Array.prototype).toBe(true);
    expect('value' in entry && decodeText(entry.value)).toBe('{"b":1}');
  });

  it('takes an empty list, a byte order mark, and members that it does not know', async () => {
    expect(await shown('x.json', '\uFEFF{"version": 1, "data": []}')).toEqual({});
    expect(
      await shown('x.yaml', 'base: &base {mtu: 9000}\ndata:\n  - {key: a, comment: x, value: {<<: *base}}\n'),
    ).toEqual({ a: '{"mtu":9000}' });
  });

  it('goes by the extension, in any case', () => {
    expect(
      ['a.json', 'a.YAML', 'x/a.b.yml', 'json', 'a.json~', 'a.yaml.bak', 'a.constructor', 'a'].filter(hasFormat),
    ).toEqual(['a.json', 'a.YAML', 'x/a.b.yml']);
  });
});

describe('parseFile: an error of the file', () => {
  it.each([
    ['x.json', '{"data": [\n  {"key": "a" "value": 1}\n]}', "x.json:2:15: expected ',' or '}', found \"\\\"\""],
    ['x.json', '{"data": [\n', "x.json:2:1: expected a value or ']', found the end of the file"],
    ['x.yaml', 'data:\n  - key: [a\n', 'x.yaml:3:1: deficient indentation'],
    ['x.yaml', 'data: []\n---\ndata: []\n', 'x.yaml: expected a single document in the stream, but found more'],
    ['x.yaml', '# nothing yet\n', 'x.yaml: expected a document, but the input is empty'],
    ['x.json', ' \n', 'x.json: it is empty; a file without entries says `data: []`'],
    ['x.json', '[]', 'x.json: it has no `data`; expected a list of { key, value }'],
    ['x.yaml', 'data:\n', 'x.yaml: its `data` is null; expected a list of { key, value }'],
    ['x.yaml', 'data: {a: 1}\n', 'x.yaml: its `data` is an object; expected a list of { key, value }'],
    [
      'x.json',
      '{"data": [{"key": "a", "value": 1},\n  "b"]}',
      "x.json:2:3: data[1] is a string; expected { key: 'a text', value }",
    ],
    [
      'x.yaml',
      'data:\n  - key: a\n    value: 1\n  - kye: b\n    value: 1\n',
      "x.yaml:4:5: data[1] has no `key`; expected { key: 'a text', value }",
    ],
    [
      'x.yaml',
      'data:\n  - key: 8080\n    value: 1\n',
      "x.yaml:2:5: data[0] has a `key` that is a number; expected { key: 'a text', value }",
    ],
  ])('%s %j', async (file, text, message) => {
    const error = await failureOf(file, text);
    const [, line, column] = /:(\d+):(\d+): /.exec(message) ?? [];
    expect(error.message).toBe(`[rx-datasync/files] ${message}`);
    expect(error).toMatchObject({ code: 'PARSE_FAILED', backend: 'files', file });
    expect([error.line, error.column]).toEqual(
      line === undefined ? [undefined, undefined] : [Number(line), Number(column)],
    );
  });

  it('says so where a file is not UTF-8', async () => {
    const error = await parseFile('x.json', Uint8Array.of(0x7b, 0xff)).catch(
      (failure: unknown) => failure as DatasyncError,
    );
    expect(error).toMatchObject({
      code: 'PARSE_FAILED',
      file: 'x.json',
      message: '[rx-datasync/files] x.json: it is not UTF-8 text',
    });
  });
});

describe('parseFile: an error of one entry', () => {
  it('a key that comes twice', async () => {
    const text = 'data:\n  - {key: a, value: 1}\n  - {key: b, value: 1}\n  - {key: a, value: 2}\n';
    expect(await shown('x.yaml', text)).toEqual({
      a: '! [rx-datasync/files] x.yaml:4:5: data[2] ("a") repeats the key of data[0]',
      b: '1',
    });
  });

  it('no value, and values that JSON cannot hold', async () => {
    const text =
      'data:\n  - key: a\n    vlaue: 1\n  - key: b\n    value: [.inf]\n  - &c\n    key: c\n    value: *c\n  - {key: d, value: 1}\n';
    const entries = await parse('x.yaml', text);
    const errors = [...entries.values()].flatMap((entry) => ('error' in entry ? entry.error : []));
    expect(errors.map(({ key, line, column }) => `${key} ${line}:${column}`)).toEqual(['a 2:5', 'b 4:5', 'c 7:5']);
    expect(errors[0]?.message).toMatch(/data\[0\] \("a"\) has no `value`$/);
    expect(errors[1]?.message).toMatch(/cannot hold: Infinity is not a number in JSON$/);
    expect(errors[2]?.message).toMatch(/cannot hold: Converting circular structure/);
    expect(await shown('x.yaml', text)).toMatchObject({ d: '1' });
  });
});
