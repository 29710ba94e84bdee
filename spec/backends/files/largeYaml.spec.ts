import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { differing, type LargeFile, readPieces } from '../../../lib/backends/files/largeYaml.ts';
import { LayeredMap } from '../../../lib/backends/files/layeredMap.ts';
import { parseFile, type Reading } from '../../../lib/backends/files/parse.ts';
import { layoutOf } from '../../../lib/backends/files/yamlItems.ts';
import { decodeText } from '../../../lib/internal/bytes.ts';
import type { DatasyncError } from '../../../lib/model/errors.ts';
import type { RawEntry } from '../../../lib/source/frames.ts';
import { recordLive, temporaryDirectory, until, write } from '../../support/files.ts';
import { randomNumbers } from '../../support/randomNumbers.ts';

const { signal } = new AbortController();
const pieces = (text: string, last?: LargeFile, reading: Reading = {}) =>
  readPieces('x.yaml', Buffer.from(text), last, reading, signal);

function shown(entries: ReadonlyMap<string, RawEntry> | undefined): string[] | undefined {
  return (
    entries &&
    Array.from(
      entries.values(),
      (entry) => `${entry.key} ${'value' in entry ? decodeText(entry.value) : entry.error.message}`,
    ).sort()
  );
}

/** What a full parse finds; `undefined` where it cannot. */
async function whole(text: string): Promise<string[] | undefined> {
  try {
    return shown(await parseFile('x.yaml', Buffer.from(text)));
  } catch {
    return undefined;
  }
}

describe('a YAML file in pieces', () => {
  it.each([
    ['plain', 'data:\n  - key: a\n    value: 1\n  - key: b\n    value: {x: [1]}\n'],
    [
      'no indentation, comments, a start and an end',
      '# c\n---\ndata: # d\n\n- key: a\n  value: 1\n# c\n- {key: b, value: 2}\n...\n',
    ],
    [
      'texts of many lines',
      'data:\n  - key: a\n    value: |\n      - key: x\n\n      text\n  - key: b\n    value: >-\n        folded\n        text\n  -\n    key: "c\n      d"\n    value: "é\n\n      ü"\n',
    ],
    ['no last line break, and Windows ones', 'data:\r\n  - key: a\r\n    value: 1\r\n  - key: b\r\n    value: 2'],
    [
      'keys that come twice, and thrice',
      'data:\n- {key: a, value: 1}\n- {key: b, value: 1}\n# é\n- {key: a, value: 2}\n-\n  key: b\n- {key: b, value: 3}\n',
    ],
    ['no value', 'data:\n# c\n  - {key: a}\n  - {key: é, value: 1}\n  - {key: b}\n'],
    ['numbers that would not be kept', 'data:\n  - {key: a, value: 12345678901234567890}\n  - {key: b, value: .nan}\n'],
    ['lists in values', 'data:\n- key: a\n  value:\n  - - 1\n    - 2\n  - key: x\n- key: b\n  value: []\n'],
  ])('says the same as a whole: %s', async (_what, text) => {
    const file = await pieces(text);
    expect(shown(file?.entries)).toEqual(await whole(text));
    expect(file?.entries.size).toBeGreaterThan(1);
  });

  it.each([
    ['another member', 'version: 1\ndata:\n  - {key: a, value: 1}\n'],
    ['another member behind it', 'data:\n  - {key: a, value: 1}\nversion: 1\n'],
    ['two documents', 'data:\n  - {key: a, value: 1}\n---\ndata: []\n'],
    ['a list on one line', 'data: [{key: a, value: 1}]\n'],
    ['aliases', 'data:\n  - {key: a, value: &x 1}\n  - {key: b, value: *x}\n'],
    ['an anchor', 'data:\n  - {key: a, value: &x 1}\n'],
    ['lines that stand too far out', 'data:\n  - key: a\n    value: x\n y\n'],
    ['nothing', ''],
  ])('leaves to a full parse: %s', async (_what, text) => {
    expect(await pieces(text)).toBeUndefined();
  });

  it.each([
    ['an open text', 'data:\n  - key: a\n    value: "x\n  - key: b\n    value: y"\n'],
    ['an open list', 'data:\n  - {key: a, value: 1}\n  # c\n  - key: b\n    value: [1,\n  - key: c\n    value: 1\n'],
    ['a key that is no text', 'data:\n  - {key: a, value: 1}\n  - key: 5\n    value: 1\n'],
    ['an item that is no object', 'data:\n  - {key: a, value: 1}\n  - 5\n'],
    ['no mapping', 'data:\n  - {key: a, value: 1}\n  - key: b\n    value\n'],
  ])('says what is wrong, as a full parse does: %s', async (_what, text) => {
    const of = (reading: Promise<unknown>) =>
      reading.then(
        () => undefined,
        (error: DatasyncError) => error,
      );
    const [ours, theirs] = [await of(pieces(text)), await of(parseFile('x.yaml', Buffer.from(text)))];
    expect(ours).toMatchObject({ code: 'PARSE_FAILED', file: 'x.yaml', line: theirs?.line });
  });

  it('knows the end marker', async () => {
    const reading = { endMarker: '# end' };
    expect(await pieces('data:\n  - {key: a, value: 1}\n', undefined, reading)).toBeUndefined();
    expect((await pieces('data:\n  - {key: a, value: 1}\n# end\n', undefined, reading))?.entries.size).toBe(1);
    // To be said with its place.
    const twice = 'data:\n  - {key: a, value: 1}\n# end\n  - {key: b, value: 1}\n# end\n';
    expect(await pieces(twice, undefined, reading)).toBeUndefined();
  });

  it('reads again only what has changed among so many items that they are no arguments of a function', {
    timeout: 60_000,
  }, async () => {
    const items = Array.from({ length: 150_000 }, (_, i) => `- {key: k${i}, value: 1}\n`);
    const first = await pieces(`data:\n${items.join('')}`);
    items[70_000] = '- {key: x, value: 2}\n- {key: y, value: 222}\n';
    items.splice(149_000, 1);
    const again = await pieces(`data:\n${items.join('')}`, first);
    expect(again?.entries).toBeInstanceOf(LayeredMap);
    expect(differing(first!.entries, again!.entries)).toEqual(new Set(['k70000', 'x', 'y', 'k149000']));
    expect([again?.entries.size, again?.kept.keys.length, again?.kept.keys.at(-1)]).toEqual([
      150_000,
      150_000,
      'k149999',
    ]);
    const { starts } = again!.kept.layout;
    for (const item of [0, 70_000, 70_001, 70_002, 149_000, 149_999])
      expect(again?.kept.bytes.toString('utf8', starts[item], starts[item]! + 7)).toBe('- {key:');
  });

  // Lines are cut, doubled, swapped, indented, broken: whatever comes out, both ways must say the same.
  it.each([1, 2, 3])('says the same as a full parse after each of 700 random edits, seed %i', async (seed) => {
    const random = randomNumbers(seed);
    let next = 0;
    const values = [
      '1',
      '{x: [1, 2]}',
      '"é"',
      '|\n      - key: no\n      text',
      '>-\n     a\n\n     b',
      "'- x'",
      '\n    - 1\n    - {y: 2}',
      '12345678901234567890',
    ];
    const item = () => `  - key: k${next++}\n    value: ${values[random(values.length)]!}\n`;
    const start = `data:\n${Array.from({ length: 40 }, item).join('')}`;
    let text = start;
    let last = await pieces(text);
    let unique = text;
    let incremental = 0;
    for (let edit = 0; edit < 700; edit++) {
      // Whole items most of the time, else lines.
      const all = text.split(random(4) > 0 ? /(?=^ {2}- )/m : /(?<=\n)/);
      for (let i = random(3); i >= 0; i--) {
        const at = 1 + random(Math.max(1, all.length - 1));
        const kind = random(6);
        if (kind === 0) all.splice(at, 0, ...Array.from({ length: 1 + random(3) }, item));
        else if (kind === 1) all.splice(at, 1 + random(3));
        else if (kind === 2 && random(8) === 0) all.splice(at, 0, all[1 + random(all.length - 1)] ?? '');
        else if (kind === 2) all.splice(at, 0, '# note\n', '\n');
        else if (kind === 3) all.push(...all.splice(at, 1 + random(5)));
        else if (kind === 4 && random(4) === 0) all[at] = all[at]?.replace(/\S/, ' $&') ?? '';
        else all[at] = all[at]?.replace(/(\w)(\W*)$/, `$1${next++}$2`) ?? '';
      }
      text = all.join('');
      const expected = await whole(text);
      const now = await pieces(text, last).catch(() => undefined);
      if (now !== undefined) {
        expect([text, shown(now.entries)]).toEqual([text, expected]);
        expect(now.kept.layout).toEqual(layoutOf(Buffer.from(text)));
        expect(now.kept.keys).toEqual((await pieces(text))?.kept.keys);
        // What is the same is not read again.
        const { entries } = now;
        if ([...entries].filter(([key, entry]) => last?.entries.get(key) === entry).length > entries.size / 2)
          incremental++;
        last = now;
        // Keys that come twice make that all is read again.
        if (entries.size === now.kept.keys.length) unique = text;
        else if (random(2) === 0) text = unique;
      } else {
        // It never says that something is wrong where a full parse finds nothing.
        if (expected !== undefined) await expect(pieces(text, last)).resolves.toBeUndefined();
        // Nothing is wrong with it, and yet it was not read in pieces: only where its lines do not allow it.
        if (expected !== undefined && layoutOf(Buffer.from(text)) !== undefined)
          expect(await pieces(text)).toBeUndefined();
        if (random(3) === 0) text = last === undefined ? start : last.kept.bytes.toString();
      }
    }
    expect(incremental).toBeGreaterThan(250);
  });
});

describe('fromFiles: a large file', () => {
  it('tells what changed in it, also what breaks and what comes twice, and knows it again', async () => {
    const file = join(temporaryDirectory(), 'large.yaml');
    const values = Object.fromEntries(
      Array.from({ length: 6_000 }, (_, i) => [`/nodes/${i}/interface`, { mtu: 1500, i }]),
    );
    write(file, values);
    const told = await recordLive({ paths: [file] });
    expect(told.state).toEqual(values);

    for (const i of [0, 17, 3_000, 5_999]) values[`/nodes/${i}/interface`] = { mtu: 9000, i };
    delete values['/nodes/4000/interface'];
    write(file, { ...values, '/new': 1 });
    await until(() => expect(told.state).toEqual({ ...values, '/new': 1 }));
    expect(told.log).toHaveLength(7);

    write(file, `${'  '.repeat(3)}broken: [\n`.repeat(20_000));
    await until(() => expect(told.stale).toMatchObject({ code: 'PARSE_FAILED', file, line: 2 }));
    expect(told.state).toEqual({ ...values, '/new': 1 });
    write(file, values);
    await until(() => expect(told.state).toEqual(values));
    await until(() => expect(told.stale).toBeUndefined());
  });
});
