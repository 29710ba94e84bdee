import { describe, expect, it } from 'vitest';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { Snapshot } from '../../lib/model/snapshot.ts';
import { notation } from '../../lib/testing/notation.ts';

describe('notation.parse', () => {
  it('reads a resync as the factory makes it', () => {
    expect(notation.parse('{x:1 y:2}@7')).toEqual(ResyncEvent.of({ x: 1, y: 2 }, 7));
    expect(notation.parse('{x:1}@7 nacked')).toEqual(ResyncEvent.of({ x: 1 }, 7, { reason: 'nacked' }));
    expect(notation.parse('{}@0')).toEqual(ResyncEvent.of({}, 0));
  });

  it('reads a change as the factory makes it', () => {
    expect(notation.parse('x:3@8')).toEqual(ChangeEvent.put('x', 3, 8));
    expect(notation.parse('+x:3@8')).toEqual(ChangeEvent.put('x', 3, 8));
    expect(notation.parse('!y@9')).toEqual(ChangeEvent.delete('y', 9));
    expect(notation.parse('x:2>3@8')).toEqual(
      ChangeEvent.of([{ op: 'put', key: 'x', value: 3, prevValue: 2, revision: 8 }], 8),
    );
    expect(notation.parse('!y:2@9')).toEqual(
      ChangeEvent.of([{ op: 'delete', key: 'y', prevValue: 2, revision: 9 }], 9),
    );
    expect(notation.parse('~x:3@8')).toEqual(ChangeEvent.put('x', 3, 8).with({ coalesced: true }));
  });

  it('reads a transaction, with revisions of its own', () => {
    const put = (key: string, value: unknown, revision: number) =>
      ({ op: 'put', key, value, prevValue: undefined, revision }) as const;
    expect(notation.parse('x:1,!y@8')).toEqual(
      ChangeEvent.of([put('x', 1, 8), { op: 'delete', key: 'y', prevValue: undefined, revision: 8 }], 8),
    );
    expect(notation.parse('x:1@7,y:2@8')).toEqual(ChangeEvent.of([put('x', 1, 7), put('y', 2, 8)], 8));
    expect(notation.parse('y:2@8,x:1@7@8')).toEqual(ChangeEvent.of([put('y', 2, 8), put('x', 1, 7)], 8));
    expect(notation.parse('{x:1@5 y:2}@7')).toMatchObject({ entries: { items: [{ revision: 5 }, { revision: 7 }] } });
  });

  it('reads the diff of a resync', () => {
    expect(notation.parse('{x:1 +y:2 z:3>4 !w:5 !v}@9 requested')).toMatchObject({
      entries: new Snapshot([
        { key: 'x', value: 1, revision: 9 },
        { key: 'y', value: 2, revision: 9 },
        { key: 'z', value: 4, revision: 9 },
      ]),
      diff: {
        added: [{ key: 'y', value: 2, revision: 9 }],
        changed: [{ key: 'z', value: 4, revision: 9, prevValue: 3 }],
        removed: [
          { key: 'w', prevValue: 5 },
          { key: 'v', prevValue: undefined },
        ],
      },
    });
    expect(notation.parse('{=x:1}@9')).toMatchObject({ diff: { added: [], changed: [], removed: [] } });
    expect(notation.parse('{x:>1}@9')).toMatchObject({
      diff: { changed: [{ key: 'x', value: 1, prevValue: undefined }] },
    });
  });

  it('reads what was rejected', () => {
    expect(notation.parse('x:?@8')).toMatchObject({
      changes: [],
      rejected: [{ key: 'x', error: { code: 'DECODE_FAILED' } }],
    });
    expect(notation.parse('x:?@8')).not.toHaveProperty('rejected.0.lastGood');
    expect(notation.parse('x:1?@8')).toMatchObject({ changes: [], rejected: [{ key: 'x', lastGood: 1 }] });
    expect(notation.parse('{x:? y:2?}@7')).toMatchObject({
      entries: { items: [{ key: 'y', value: 2 }] },
      rejected: [{ key: 'x' }, { key: 'y', lastGood: 2 }],
    });
  });

  it('reads a state', () => {
    expect(notation.parse('{x:1 y:a}')).toEqual(
      new Map<string, unknown>([
        ['x', 1],
        ['y', 'a'],
      ]),
    );
  });

  it('reads an event with its outcome', () => {
    expect(notation.parse('{x:1}@7 applied')).toEqual({
      event: ResyncEvent.of({ x: 1 }, 7),
      outcome: { type: 'applied' },
    });
    expect(notation.parse('{x:1}@7 nacked timedOut')).toMatchObject({
      event: { reason: 'nacked' },
      outcome: { type: 'timedOut' },
    });
    expect(notation.parse('x:3@8 failed')).toEqual({
      event: ChangeEvent.put('x', 3, 8),
      outcome: { type: 'failed', error: undefined },
    });
    expect(notation.parse('x:3@8 failed(x,"a b") "no route"')).toEqual({
      event: ChangeEvent.put('x', 3, 8),
      outcome: { type: 'failed', error: new Error('no route'), keys: ['x', 'a b'] },
    });
  });

  it('reads odd keys and values as JSON', () => {
    expect(notation.parse('"a b":{"n":[1,"}"]}@7')).toEqual(ChangeEvent.put('a b', { n: [1, '}'] }, 7));
    expect(notation.parse('{"":"" "\\"":null /v1/x:-1.5e+3 "+":"1"}')).toEqual(
      new Map<string, unknown>([
        ['', ''],
        ['"', null],
        ['/v1/x', -1500],
        ['+', '1'],
      ]),
    );
    expect(notation.parse('x:true,y:True,z:01@1')).toMatchObject({
      changes: [{ value: true }, { value: 'True' }, { value: '01' }],
    });
    expect(notation.parse('ключ:名前@1')).toEqual(ChangeEvent.put('ключ', '名前', 1));
  });
});

describe('notation.parse of a wrong text', () => {
  it.each([
    ['', 1, 'expected a key (odd ones in double quotes), found the end'],
    ['{x:1 y}@7', 7, "expected ':', found '}'"],
    ['{x:1, y:2}@7', 5, "expected a space or '}', found ','"],
    ['{x:1  y:2}@7', 6, "expected a key (odd ones in double quotes), found ' '"],
    ['{x:1', 5, "expected a space or '}', found the end"],
    ['{x:1}@', 7, 'expected a revision, found the end'],
    ['{x:1}@-7', 7, "expected a revision, found '-'"],
    ['{x:1}@99999999999999999999', 7, "expected a revision that is a safe integer, found '9'"],
    ['x:3', 4, "expected ',' or '@', found the end"],
    ['x:@3', 3, "expected a value (odd ones as JSON), found '@'"],
    ['x@3', 2, "expected ':', found '@'"],
    ['x:1,x:2@3', 5, "expected another key: 'x' is there already, found 'x'"],
    ['!x,x:?@3', 4, "expected another key: 'x' is there already, found 'x'"],
    ['{x:? x:?}@3', 6, "expected another key: 'x' is there already, found 'x'"],
    ['{x:1? !x:1}@3', 7, "expected another key: 'x' is there already, found '!'"],
    ['~{x:1}@7', 2, "expected a key (odd ones in double quotes), found '{'"],
    ['x:1@7 nacked', 7, "expected one of failed, timedOut, cancelled, superseded, applied, delivered, found 'n'"],
    [
      '{x:1}@7 nackd',
      9,
      "expected one of initial, reconnected, compacted, regressed, inconsistent, requested, prefixes, nacked, failed, timedOut, cancelled, superseded, applied, delivered, found 'n'",
    ],
    ['{x:1}@7 applied nacked', 16, "expected the end, found ' '"],
    [
      '{x:1}@7 nacked nacked',
      16,
      "expected one of failed, timedOut, cancelled, superseded, applied, delivered, found 'n'",
    ],
    ['{+x:1}', 7, "expected '@' and a revision: a state has keys and values only, found the end"],
    ['{x:1} applied', 6, "expected the end, found ' '"],
    ['x:"a@7', 3, "expected a closing double quote, found '\"'"],
    ['x:{"a":1@7', 3, "expected valid JSON, found '{'"],
    ['x:{a:1}@7', 3, "expected valid JSON, found '{'"],
    ['"a:1@7', 1, "expected a closing double quote, found '\"'"],
    ['x:1e999@7', 3, "expected a finite number, found '1'"],
    ['x:1@7 failed(', 14, 'expected a key (odd ones in double quotes), found the end'],
    ['x:1@7 failed(x', 15, "expected ')', found the end"],
    ['x:1@7 failed boom', 14, "expected a text in double quotes, found 'b'"],
    ['x:😀@7', 3, "expected a value (odd ones as JSON), found '😀'"],
  ])('%j: column %i', (text, column, expected) => {
    const pointer = `\n  ${text}\n  ${' '.repeat(column - 1)}^`;
    expect(() => notation.parse(text)).toThrow(
      expect.objectContaining({
        code: 'PARSE_FAILED',
        column,
        message: `[rx-datasync] column ${column}: ${expected}${pointer}`,
      }),
    );
  });

  it('is found by matches and expectation too', () => {
    expect(() => notation.matches(1, '{')).toThrow('column 2');
    for (const [text, what] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [7, 'number'],
      [{}, 'object'],
    ] as const) {
      const message = `[rx-datasync] expected a text of the notation, such as 'x:1@8', found ${what}`;
      for (const read of [notation.parse, notation.expectation])
        expect(() => read(text as never)).toThrow(expect.objectContaining({ code: 'PARSE_FAILED', message }));
    }
    expect(() => notation.expectation('{')).toThrow('column 2');
  });
});

describe('notation.format', () => {
  it.each([
    '{}@0',
    '{x:1 y:2}@7',
    '{x:1}@7 nacked',
    '{!w:5 x:1 +y:2 z:3>4}@9 requested',
    '{=x:1}@9',
    '{=x:1 =y:2?}@9',
    '{!x:1}@9',
    '{x:>1}@9',
    '{!x:1 x:?}@9',
    '{x:? y:2?}@7',
    '{x:1@5 y:2}@7',
    'x:3@8',
    'x:2>3@8',
    '!y@9',
    '!y:2@9',
    '!y:2@8@9',
    'x:1,!y@8',
    'x:1@7,y:2@8',
    'x:1@8,y:2@7@9',
    '~x:3@8',
    'x:?@8',
    'x:1?@8',
    '{x:1 y:a}',
    '{}',
    '{x:1}@7 applied',
    '{x:1}@7 nacked superseded',
    'x:3@8 failed',
    'x:3@8 failed(x,"a b") "no route"',
    '{"":"" "\\"":null "+":"1" /v1/x:[1,{"a":"b"}]}',
  ])('gives %s back', (text) => {
    expect(notation.format(notation.parse(text))).toBe(text);
  });

  it('sorts keys, and the fields of values', () => {
    expect(notation.format(ResyncEvent.of({ b: { z: 1, a: 2 }, a: 1 }, 7))).toBe('{a:1 b:{"a":2,"z":1}}@7');
  });

  it('shows bytes as text', () => {
    expect(notation.format(ChangeEvent.put('x', new TextEncoder().encode('on'), 1))).toBe('x:on@1');
    expect(notation.format(ChangeEvent.put('x', new TextEncoder().encode('1'), 1))).toBe('x:"1"@1');
    expect(notation.format(ChangeEvent.put('x', new Uint8Array([255]), 1))).toBe('x:{"base64":"/w=="}@1');
  });

  it('shows a snapshot as a state, and what is not ours as JSON or text', () => {
    expect(notation.format(new Snapshot([{ key: 'x', value: 1, revision: 3 }]))).toBe('{x:1}');
    expect(notation.format('1')).toBe('1');
    expect(notation.format({ b: 1n, a: Number.NaN })).toBe('{"a":"NaN","b":"1n"}');
    expect(notation.format(undefined)).toBe('undefined');
  });
});
