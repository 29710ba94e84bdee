import { describe, expect, it } from 'vitest';
import { hasFormat } from '../../../lib/backends/files/formats.ts';
import { parseFile, type Reading } from '../../../lib/backends/files/parse.ts';
import { decodeText, encodeText } from '../../../lib/internal/bytes.ts';
import type { DatasyncError } from '../../../lib/model/errors.ts';

const parse = (file: string, text: string, reading: Reading = {}) => parseFile(file, encodeText(text), reading);

/** Entries as JSON texts, errors as their messages. */
async function shown(file: string, text: string, reading?: Reading): Promise<Record<string, string>> {
  const entries = [...(await parse(file, text, reading)).values()];
  return Object.fromEntries(
    entries.map((entry) => [entry.key, 'error' in entry ? `! ${entry.error.message}` : decodeText(entry.value)]),
  );
}

async function failureOf(file: string, text: string, reading?: Reading): Promise<DatasyncError> {
  return parse(file, text, reading).then(
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

  it('reads all documents of a YAML file, and passes over those that are empty', async () => {
    const text = '---\ndata: [{key: a, value: 1}]\n---\n---\n# none\n---\ndata: [{key: b, value: 2}]\n...\n---\n';
    expect(await shown('x.yaml', text)).toEqual({ a: '1', b: '2' });
    expect(await shown('x.yaml', 'data: [{key: a, value: 1}]\n---\ndata: [{key: a, value: 2}]\n')).toEqual({
      a: '! [rx-datasync/files] x.yaml:3:8: document 2: data[0] ("a") repeats the key of document 1: data[0]',
    });
  });

  it('takes texts that hold JSON where it is told so, without the white space in them', async () => {
    const text =
      'data:\n  - {key: a, value: \'{"mtu": 1500}\'}\n  - {key: b, value: {x: "1"}}\n  - {key: c, value: nope}\n';
    const entries = await shown('x.yaml', text, { jsonStrings: true });
    expect(entries).toMatchObject({ a: '{"mtu":1500}', b: '{"x":"1"}' });
    expect(entries['c']).toMatch(/x\.yaml:4:5: data\[2\] \("c"\) has a text as its value that is not JSON: /);
  });

  it('asks a function for the entries of documents of another shape', async () => {
    const places: unknown[] = [];
    const project: Reading['project'] = (document, place) => {
      places.push(place);
      return Object.entries(document as object).map(([name, value]) => ({ key: `/${name}`, value: value as unknown }));
    };
    expect(await shown('x.yaml', 'a: 1\n---\nb: {c: [2]}\n', { project })).toEqual({ '/a': '1', '/b': '{"c":[2]}' });
    expect(places).toEqual([
      { file: 'x.yaml', index: 0 },
      { file: 'x.yaml', index: 1 },
    ]);
    expect(
      await shown('x.json', '{"a": 1}', {
        project: () => [
          { key: 'x', value: 1 },
          { key: 'x', value: 2 },
        ],
      }),
    ).toEqual({
      x: '! [rx-datasync/files] x.json: entry 1 of `project` ("x") repeats the key of entry 0 of `project`',
    });
    const thrown = () => {
      throw new Error('no kind');
    };
    expect((await failureOf('x.json', '{}', { project: thrown })).message).toMatch(
      /x\.json: `project` failed: no kind$/,
    );
    const keyless = (() => [{ value: 1 }]) as unknown as NonNullable<Reading['project']>;
    expect((await failureOf('x.json', '{}', { project: keyless })).message).toMatch(
      /entry 0 of `project` has no `key`/,
    );
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
    ['x.yaml', 'data: []\n---\nda: []\n', 'x.yaml: document 2: it has no `data`; expected a list of { key, value }'],
    ['x.yaml', '# nothing yet\n', 'x.yaml: it has only comments; a file without entries says `data: []`'],
    [
      'x.yaml',
      'data: []\n---\ndata:\n  - {key: a, value: 1}\n  - b\n',
      "x.yaml:5:5: document 2: data[1] is a string; expected { key: 'a text', value }",
    ],
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

describe('parseFile: YAML that is not to be trusted', () => {
  it('refuses a file without its end marker, cut at whatever byte', async () => {
    const reading = { endMarker: '...' };
    const text = 'data:\n  - key: /a\n    value: 1500\n  - key: /b\n    value: é\n...\n';
    const bytes = encodeText(text);
    const marker = encodeText('...\n').length;
    for (let end = 0; end < bytes.length; end++) {
      const cut = parseFile('x.yaml', bytes.subarray(0, end), reading);
      if (end < bytes.length - 1) await expect(cut).rejects.toMatchObject({ code: 'PARSE_FAILED' });
      else expect([...(await cut).keys()]).toEqual(['/a', '/b']);
    }
    const error = await failureOf('x.yaml', text.slice(0, -marker), reading);
    expect(error.message).toBe(
      '[rx-datasync/files] x.yaml:5:13: it does not end with the line "...": something may be missing',
    );
    expect(await shown('x.json', '{"data": []}', reading)).toEqual({});
  });

  it.each([
    ['...', 'data: []\n...\n---\ndata: []\n...\n', 2],
    ['...', '...\r\ndata: []\r\n...\r\n', 1],
    ['# end', 'data:\n  - {key: /a, value: 1}\n# end \n  - {key: /b, value: 1}\n# end', 3],
  ])(
    'refuses a file that has its end marker %j elsewhere too: its half would seem to be whole',
    async (endMarker, text, line) => {
      const error = await failureOf('x.yaml', text, { endMarker });
      expect(error).toMatchObject({ code: 'PARSE_FAILED', line, column: 1 });
      expect(error.message).toMatch(/ is not the last one: a half of the file could not be told from the whole$/);
      // What only looks like it.
      const alike = `#${endMarker}\ndata: [{key: "${endMarker}", value: 1}]\n ${'#'}${endMarker}\n${endMarker}\n`;
      expect(await shown('x.yaml', alike, { endMarker })).toEqual({ [endMarker]: '1' });
    },
  );

  it('refuses aliases of aliases that would fill the memory, and takes those that would not', async () => {
    const names = 'abcdefghijkl';
    const levels = [...names].map((name, i) => {
      const item = i === 0 ? 'lol' : `*${names[i - 1]!}`;
      return `${name}: &${name} [${Array.from({ length: 9 }, () => item).join(',')}]`;
    });
    const text = (last: number) =>
      `${levels.slice(0, last).join('\n')}\ndata: [{key: k, value: *${names[last - 1]!}}]\n`;
    const { message, code } = await failureOf('x.yaml', text(12));
    expect([code, message]).toEqual([
      'PARSE_FAILED',
      expect.stringContaining('x.yaml: its aliases (`*name`) refer to each other so often'),
    ]);
    const entries = await shown('x.yaml', text(4));
    expect(JSON.stringify(JSON.parse(entries['k']!)).match(/lol/g)).toHaveLength(9 ** 4);
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
