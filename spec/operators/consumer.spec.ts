import { describe, expect, it } from 'vitest';
import { bytesCodec, type Codec, consumer, jsonCodec, orderedResync, textCodec } from '../../lib/index.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { notation } from '../../lib/testing/notation.ts';
import { codec, ordered, quick, toBytes } from './ordered.ts';
import { Producer } from './support.ts';

const handlers = { resync: () => undefined, change: () => undefined };

/** Refuses 13. */
const unlucky: Codec<number> = {
  ...codec,
  name: 'lucky',
  decode: (raw, key) => {
    const value = codec.decode(raw, key);
    if (value === 13) throw new Error('unlucky');
    return value;
  },
};

describe('consumer', () => {
  it('is a description: name, prefix, whether it is required', () => {
    expect(consumer('a', '/a/', codec, handlers)).toMatchObject({ name: 'a', prefix: '/a/', required: true });
    expect(consumer('a', '', codec, handlers, { required: false }).required).toBe(false);
  });

  it('each decodes with its own codec, and a value is rejected for this one alone', () => {
    const log: string[] = [];
    const seen = (name: string) => {
      const work = (one: DatasyncEvent<unknown>): void => void log.push(`${name} ${notation.format(one)}`);
      return { resync: work, change: work };
    };
    const producer = new Producer();
    const consumers = [
      consumer('number', '', unlucky, seen('number')),
      consumer('text', '', textCodec, seen('text')),
      consumer('bytes', '', bytesCodec, seen('bytes')),
    ];
    producer.source.pipe(toBytes, orderedResync(consumers)).subscribe();
    producer.tell('{x:13 y:1}@1', 'y:1>13@2', 'y:13>2@3');
    expect(log.filter((line) => line.startsWith('number'))).toEqual([
      'number {x:? y:1}@1',
      'number y:1?@2',
      'number y:1>2@3',
    ]);
    expect(log.filter((line) => line.startsWith('text'))).toEqual([
      'text {x:"13" y:"1"}@1',
      'text y:"1">"13"@2',
      'text y:"13">"2"@3',
    ]);
    expect(log.filter((line) => line.startsWith('bytes'))).toHaveLength(3);
  });

  it('its error says whose codec, and for which key', () => {
    const errors: unknown[] = [];
    const producer = new Producer();
    const a = consumer('routes', '', unlucky, {
      ...handlers,
      resync: ({ rejected }) => errors.push(rejected[0]!.error),
    });
    producer.source.pipe(toBytes, orderedResync([a])).subscribe();
    producer.tell('{x:13}@1');
    expect(errors).toMatchObject([
      { code: 'DECODE_FAILED', key: 'x', message: '[rx-datasync/routes] the value of "x" is not valid lucky: unlucky' },
    ]);
  });

  it('a value is decoded once, while it stays the same', () => {
    let count = 0;
    const decode: typeof codec.decode = (raw, key) => {
      count++;
      return codec.decode(raw, key);
    };
    const counting: Codec<number> = { ...codec, decode };
    const producer = new Producer();
    producer.source.pipe(toBytes, orderedResync([consumer('a', '', counting, handlers)])).subscribe();
    producer.tell('{x:1 y:1}@1', 'x:1>2@2', '{=x:2@2 =y:1@1}@3 requested');
    expect(count).toBe(3);
  });

  it('its epochs count its own resyncs, its diff says what it was told', () => {
    const log: unknown[] = [];
    let left = 1;
    const b = quick('b', [], {}, () => {
      if (left-- > 0) throw new Error('no');
    });
    const a = quick('a', [], {}, (one) => log.push([one.epoch, one.type === 'resync' && one.diff.added.length]));
    const { producer } = ordered([b, a], { onFailure: 'stop' });
    producer.tell('{a:1}@1', '{a:1}@1 nacked', 'a:1>2@2');
    expect(log).toEqual([
      [1, 1],
      [1, false],
    ]);
  });

  it('may be in several groups: each subscription starts it anew', () => {
    const log: string[] = [];
    const a = quick('a', log);
    for (const group of [ordered([a]), ordered([a])]) group.producer.tell('{a:1}@1');
    expect(log).toEqual(['a {a:1}@1', 'a {a:1}@1']);
  });
});

describe('what consumer refuses at once', () => {
  const json = jsonCodec();

  it.each<[string, unknown[]]>([
    ['consumer: the option \'name\' must be a text that is not empty, not ""', ['', '', json, handlers]],
    ["consumer: the option 'name' is missing", [undefined, '', json, handlers]],
    ["consumer 'a': the option 'prefix' must be a text, not 5", ['a', 5, json, handlers]],
    [
      "consumer 'a': the option 'codec' must be a codec: { name, decode, encode }, but 'decode' is missing",
      ['a', '', {}, handlers],
    ],
    ["consumer 'a': the option 'change' is missing", ['a', '', json, { resync: () => undefined }]],
    [
      "consumer 'a': 'work' must be handlers { resync, change }, or a pipeline: a function, not undefined",
      ['a', '', json],
    ],
    ["consumer 'a': 'work' must be handlers { resync, change }", ['a', '', json, [handlers]]],
    ["consumer 'a': unknown option 'delay'", ['a', '', json, handlers, { delay: 5 }]],
    ["consumer 'a': the option 'timeout' must be a number of milliseconds", ['a', '', json, handlers, { timeout: -5 }]],
    ["consumer 'a': the option 'onFailure' must be", ['a', '', json, handlers, { onFailure: 'ignore' }]],
    ["consumer 'a': unknown option 'retry.stable'", ['a', '', json, handlers, { retry: { stable: 5 } }]],
    [
      "consumer 'a': required: false stops nobody, so onFailure cannot be 'stop'",
      ['a', '', json, handlers, { required: false, onFailure: 'stop' }],
    ],
  ])('%s', (message, args) => {
    const make = consumer as (...args: unknown[]) => unknown;
    expect(() => make(...args)).toThrow(`[rx-datasync] ${message}`);
  });
});
