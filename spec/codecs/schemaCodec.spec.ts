import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fromMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { type StandardSchema, schemaCodec } from '../../lib/codecs/schemaCodec.ts';
import { yamlCodec } from '../../lib/codecs/yamlCodec.ts';
import { decodeText, encodeText } from '../../lib/internal/bytes.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { failureOf } from '../support/failureOf.ts';

interface Node {
  mtu: number;
  addresses: { ip: string }[];
}

const libraries: readonly [string, StandardSchema<Node>][] = [
  ['zod', z.object({ mtu: z.number(), addresses: z.array(z.object({ ip: z.string() })) })],
  ['valibot', v.object({ mtu: v.number(), addresses: v.array(v.object({ ip: v.string() })) })],
  ['arktype', type({ mtu: 'number', addresses: type({ ip: 'string' }).array() })],
];

const raw = (value: unknown) => encodeText(JSON.stringify(value));
const good: Node = { mtu: 1500, addresses: [{ ip: '10.0.0.1' }] };

describe.each(libraries)('schemaCodec with %s', (_, schema) => {
  const codec = schemaCodec(schema);

  it('reads and writes what fits', () => {
    expect(codec.decode(raw(good), '/x')).toEqual(good);
    expect(decodeText(codec.encode(good, '/x'))).toBe(JSON.stringify(good));
  });

  it('refuses what does not fit, naming key, path and message of each issue', () => {
    const error = failureOf(() => codec.decode(raw({ mtu: 'much', addresses: [{ ip: 'a' }, { ip: 1 }] }), '/x'));
    expect(error).toMatchObject({ name: 'DatasyncError', code: 'DECODE_FAILED', key: '/x' });
    expect(error.message).toMatch(/^\[rx-datasync\] the value of "\/x" does not fit its schema: ./);
    expect(error.message).toMatch(/[:;] mtu(:| must) .*number/);
    expect(error.message).toMatch(/[:;] addresses\[1\]\.ip(:| must) .*string/);
    expect(error.cause).toMatchObject({ issues: { length: 2 } });
  });

  it('refuses to write what it would not read', () => {
    const error = failureOf(() => codec.encode({ mtu: 1500 } as Node, '/x'));
    expect(error).toMatchObject({ code: 'ENCODE_FAILED', key: '/x' });
    expect(error.message).toMatch(/does not fit its schema: addresses(:| must) ./);
  });
});

describe('schemaCodec', () => {
  it('stands on any codec, and passes on what that one says', () => {
    const codec = schemaCodec(libraries[0]![1], yamlCodec());
    expect(codec.name).toBe('yaml');
    expect(codec.decode(encodeText('mtu: 1\naddresses: []'), '/x')).toEqual({ mtu: 1, addresses: [] });
    expect(failureOf(() => codec.decode(encodeText('mtu: ['), '/x'))).toMatchObject({
      code: 'DECODE_FAILED',
      cause: { line: 1 },
    });
    expect(failureOf(() => schemaCodec(z.any()).decode(encodeText('{'), '/x')).message).toMatch(
      /the value of "\/x" is not valid json: /,
    );
  });

  it('gives what the schema makes of a value', () => {
    const codec = schemaCodec(z.object({ mtu: z.number().default(1500) }));
    expect(codec.decode(raw({ other: 1 }), '/x')).toEqual({ mtu: 1500 });
  });

  it('writes results of a schema that takes them too, and refuses others', () => {
    const dates = schemaCodec(z.coerce.date());
    const date = new Date(0);
    expect(dates.decode(dates.encode(date, '/x'), '/x')).toEqual(date);
    const numbers = schemaCodec(z.string().transform(Number));
    expect(numbers.decode(raw('5'), '/x')).toBe(5);
    expect(failureOf(() => numbers.encode(5, '/x'))).toMatchObject({ code: 'ENCODE_FAILED' });
  });

  it.each<[string, StandardSchema]>([
    ['zod', z.string().refine(() => Promise.resolve(true))],
    [
      'valibot',
      v.pipeAsync(
        v.string(),
        v.checkAsync(() => Promise.reject(new Error('unreachable'))),
      ),
    ],
  ])('refuses an asynchronous schema of %s, both ways', (_, schema) => {
    const codec = schemaCodec(schema);
    for (const [code, work] of [
      ['DECODE_FAILED', () => codec.decode(raw('a'), '/x')],
      ['ENCODE_FAILED', () => codec.encode('a', '/x')],
    ] as const) {
      const error = failureOf(work);
      expect(error).toMatchObject({ name: 'DatasyncError', code, key: '/x' });
      expect(error.message).toMatch(
        /the schema for "\/x" is asynchronous, and must not be \(validate returned a Promise\)/,
      );
    }
  });

  it('writes paths as one would in code, and no more than three issues; the cause has all, in JSON too', () => {
    const path = [{ key: 'a' }, 0, 'b-c', Symbol('s'), '$d'];
    const issues = [{ message: 'one', path }, { message: 'two', path: [] }, { message: 'three' }, { message: 'four' }];
    const schema: StandardSchema = { '~standard': { version: 1, vendor: 'ours', validate: () => ({ issues }) } };
    const error = failureOf(() => schemaCodec(schema).decode(raw(1), '/x'));
    expect(error.message).toMatch(/schema: a\[0\]\["b-c"\]\.Symbol\(s\)\.\$d: one; two; three; and 1 more$/);
    expect(error.cause).toMatchObject({ issues });
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      cause: { message: 'a[0]["b-c"].Symbol(s).$d: one; two; three; four' },
    });
  });

  it('takes schemas and codecs only', () => {
    const bad = [undefined, null, 1, {}, { '~standard': { version: 2, validate: () => 1 } }, () => 1];
    for (const schema of bad) expect(() => schemaCodec(schema as never)).toThrow(/schemaCodec: the option 'schema' /);
    expect(failureOf(() => schemaCodec(z.any(), {} as never))).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  it('makes keys rejected in a source, and keeps their last good value', () => {
    const store = memoryStore();
    store.put('/x', raw(good));
    const events: DatasyncEvent<Node>[] = [];
    const subscription = fromMemory(store, { prefixes: [''], codec: schemaCodec(libraries[0]![1]) }).subscribe(
      (event) => events.push(event),
    );
    store.put('/x', raw({ ...good, mtu: null }));
    subscription.unsubscribe();
    const [rejected] = events[1]!.rejected;
    expect(rejected).toMatchObject({ key: '/x', lastGood: good, error: { code: 'DECODE_FAILED', backend: 'memory' } });
    expect(rejected!.error.message).toMatch(
      /^\[rx-datasync\/memory\] the value of "\/x" does not fit its schema: mtu: /,
    );
  });
});
