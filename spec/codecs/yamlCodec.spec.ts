import { describe, expect, expectTypeOf, it } from 'vitest';
import { yamlItemOffsets } from '../../lib/codecs/parseYaml.ts';
import { yamlCodec } from '../../lib/codecs/yamlCodec.ts';
import { encodeText } from '../../lib/internal/bytes.ts';
import { failureOf } from '../support/failureOf.ts';

const codec = yamlCodec();
const decode = (text: string) => codec.decode(encodeText(text), 'k');

describe('yamlCodec', () => {
  it('reads what it writes', () => {
    const values = [
      null,
      0,
      -1.5,
      '',
      'yes',
      'null',
      '2020-01-01',
      '0123',
      ' x\n\ty ',
      [],
      {},
      { a: [{ b: null }], '<<': 1 },
    ];
    for (const value of values) expect(codec.decode(codec.encode(value, 'k'), 'k')).toEqual(value);
  });

  it('writes plain bytes', () => {
    expect(Object.getPrototypeOf(codec.encode({ a: 1 }, 'k'))).toBe(Uint8Array.prototype);
  });

  it('leaves dates as texts, and merges <<', () => {
    expect(decode('at: 2020-01-01')).toEqual({ at: '2020-01-01' });
    expect(decode('base: &base {mtu: 1500}\neth0: {<<: *base, up: true}')).toEqual({
      base: { mtu: 1500 },
      eth0: { mtu: 1500, up: true },
    });
  });

  it('says line and column of a fault', () => {
    const error = failureOf(() => decode('a: 1\nb: [1, 2\n'));
    expect(error).toMatchObject({ code: 'DECODE_FAILED', line: 3, column: 1 });
    expect(error.message).toMatch(/\(line 3, column 1\)$/);
    expect(error.message.split('\n')).toHaveLength(1);
  });

  it.each([
    ['nothing', '', /empty/],
    ['two documents', 'a: 1\n---\nb: 2\n', /more/],
    ['a name twice', 'a: 1\na: 2\n', /duplicated mapping key \(line 2, column 1\)$/],
    ['a tag it does not know', 'a: !host x', /unknown scalar tag/],
  ])('refuses %s', (_what, text, message) => {
    expect(failureOf(() => decode(text)).message).toMatch(message);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => codec.decode(Uint8Array.of(0x61, 0xff), 'k')).toThrow(TypeError);
  });

  it('refuses to write what YAML cannot hold, naming the key', () => {
    const bytes = Uint8Array.of(1);
    for (const value of [undefined, () => 1, Symbol('x'), { a: () => 1 }, bytes, [new Set([1])], new Map()]) {
      expect(failureOf(() => codec.encode(value, '/x'))).toMatchObject({ code: 'ENCODE_FAILED', key: '/x' });
    }
  });

  it('leaves out members that are undefined, and writes a Date as the text it comes back as', () => {
    const value = { a: undefined, b: [undefined], c: new Date(0) };
    expect(codec.decode(codec.encode(value, 'k'), 'k')).toEqual({ b: [null], c: '1970-01-01T00:00:00.000Z' });
  });

  it('is typed by its value', () => {
    expectTypeOf(yamlCodec<{ mtu: number }>().decode).returns.toEqualTypeOf<{ mtu: number }>();
    expectTypeOf(yamlCodec().decode).returns.toBeUnknown();
  });
});

describe('yamlItemOffsets', () => {
  const itemsOf = (text: string) =>
    yamlItemOffsets(text, 'data')
      .flat()
      .map((offset) => text.slice(offset, offset + 6));

  it('finds the items of a list, whatever they are', () => {
    const text =
      '# x\nother: {data: [no]}\ndata:\n  - key: 1\n  - { a: {data: [no]} }\n  - plain text\n  - [deep, [er]]\n  - "quo ted"\nmore: [no]\n';
    expect(itemsOf(text)).toEqual(['key: 1', '{ a: {', 'plain ', '[deep,', 'quo te']);
  });

  it('finds none where there is no such list', () => {
    for (const text of ['a: [1]', '- data: [1]', 'data: 1', 'a: &a [1]\ndata: *a', '? [data]\n: [1]'])
      expect(itemsOf(text)).toEqual([]);
  });
});
