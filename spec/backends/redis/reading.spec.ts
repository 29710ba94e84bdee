import { describe, expect, it } from 'vitest';
import { hashReader, jsonReader, listRedis, type RedisReader, redisBroker } from '../../../lib/backends/redis/index.ts';
import { Pace } from '../../../lib/backends/redis/pace.ts';
import { Reading } from '../../../lib/backends/redis/reading.ts';
import { stringsOf } from '../../../lib/backends/redis/strings.ts';
import type { DatasyncError, ResyncEvent } from '../../../lib/index.ts';
import { encodeText } from '../../../lib/internal/bytes.ts';
import { type Answers, fakeClient } from './fakeClient.ts';

function reading(answers: Answers, readers: readonly RedisReader[] = [], batch = 1_000): Reading {
  const client = fakeClient(answers);
  const call = (command: string, ...args: readonly unknown[]) => client.callBuffer(command, ...(args as never[]));
  return new Reading(stringsOf(call, false), call, { keyEncoding: 'utf8', readers, batch, timeout: 5_000 });
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `k${i}`);
const MB = 2 ** 20;

describe('how many values are asked for at once', () => {
  /** The bytes of each reply, where each value is as long as said. */
  const replies = async (sizes: readonly number[], batch?: number): Promise<number[][]> => {
    const counts: number[] = [];
    const bytes: number[] = [];
    const largest = Buffer.alloc(Math.max(...sizes));
    const read = reading(
      (command, keys) => {
        expect(command).toBe('MGET');
        const values = keys.map((key) => largest.subarray(0, sizes[Number(String(key).slice(1))]));
        counts.push(values.length);
        bytes.push(values.reduce((sum, { length }) => sum + length, 0));
        return values;
      },
      [],
      batch,
    );
    const entries = await read.read(names(sizes.length));
    expect(entries.map(({ key }) => key)).toEqual(names(sizes.length));
    return [counts, bytes];
  };

  it('small ones: soon as many as there may be', async () => {
    const [counts] = await replies(Array<number>(5_000).fill(100));
    expect(counts).toEqual([16, 64, 256, 1_000, 1_000, 1_000, 1_000, 664]);
    expect((await replies(Array<number>(20).fill(100), 10))[0]).toEqual([10, 10]);
  });

  it('a few more than there may be are asked for with the others', async () => {
    expect((await replies(Array<number>(1_003).fill(100), 8))[0]!.slice(-2)).toEqual([8, 3]);
    expect((await replies(Array<number>(17).fill(100)))[0]).toEqual([17]);
    const [counts] = await replies(Array<number>(336 + 1_003).fill(100));
    expect(counts).toEqual([16, 64, 256, 1_003]);
  });

  it('large ones: no reply is larger than 16 MB, if a value is not', async () => {
    const [counts, bytes] = await replies(Array<number>(512).fill(MB));
    expect(Math.max(...bytes!)).toBeLessThanOrEqual(16 * MB);
    expect(counts).toHaveLength(512 / 16);
    expect((await replies(Array<number>(24).fill(20 * MB)))[0]).toEqual([16, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('large ones after small ones: the next reply is small again', async () => {
    const [counts] = await replies([...Array<number>(336).fill(10), ...Array<number>(1_200).fill(MB)]);
    expect(counts!.slice(0, 6)).toEqual([16, 64, 256, 1_000, 16, 16]);
  });

  it('a few say nothing about many, and nothing at all is not many', () => {
    const pace = new Pace(1_000);
    for (let i = 0; i < 10; i++) pace.took(1, 10);
    expect(pace.count).toBe(16);
    pace.took(16, 0);
    expect(pace.count).toBe(64);
  });
});

describe('values that are no strings', () => {
  const typed = (type: string, answers: Answers): Answers => {
    return (command, args) => {
      if (command === 'MGET') return args.map(() => null);
      if (command === 'EXISTS') return args.length;
      return command === 'TYPE' ? type : answers(command, args);
    };
  };
  const only = async (answers: Answers, readers: readonly RedisReader[], type: string) => {
    const [entry] = await reading(typed(type, answers), readers).read(['k']);
    return entry as { value?: Uint8Array; error?: DatasyncError } | undefined;
  };

  it('jsonReader: the document as it is, as bytes of its own', async () => {
    const text = Buffer.from('  {"a":[1,"ü"]}').subarray(2);
    const asked: unknown[][] = [];
    const answers: Answers = (command, args) => {
      asked.push([command, ...args]);
      return text;
    };
    const entry = await only(answers, [jsonReader()], 'ReJSON-RL');
    expect(asked).toEqual([['JSON.GET', Buffer.from('k')]]);
    expect(entry).toEqual({ key: 'k', value: encodeText('{"a":[1,"ü"]}') });
    expect(Buffer.isBuffer(entry!.value)).toBe(false);
  });

  it('jsonReader: a document that is gone is gone, one that cannot be read is rejected, a lost connection is neither', async () => {
    expect(await only(() => null, [jsonReader()], 'ReJSON-RL')).toBeUndefined();
    const unknown = await only(() => new Error("ERR unknown command 'JSON.GET'"), [jsonReader()], 'ReJSON-RL');
    expect(unknown).toMatchObject({ key: 'k', error: { code: 'DECODE_FAILED', key: 'k' } });
    const lost = only(() => new Error('Connection is closed.'), [jsonReader()], 'ReJSON-RL');
    await expect(lost).rejects.toThrow('Connection is closed.');
    const without = await only(() => null, [], 'ReJSON-RL');
    expect(without!.error!.message).toContain('readers: [jsonReader()]');
  });

  it('hashReader: the same bytes whatever order the server has the fields in', async () => {
    const bytesOf = async (...parts: string[]) => {
      const entry = await only(() => parts.map((part) => Buffer.from(part)), [hashReader()], 'hash');
      return Buffer.from(entry!.value!).toString();
    };
    expect(await bytesOf('b', '1', '10', '2', '9', 'x"y', '__proto__', '')).toBe(
      '{"10":"2","9":"x\\"y","__proto__":"","b":"1"}',
    );
    expect(await bytesOf('9', 'x"y', '__proto__', '', 'b', '1', '10', '2')).toBe(
      '{"10":"2","9":"x\\"y","__proto__":"","b":"1"}',
    );
    expect(await only(() => [], [hashReader()], 'hash')).toBeUndefined();
  });

  it.each([
    ['a value', [Buffer.from('f'), Buffer.of(0xff)], '"f" holds bytes that are no UTF-8'],
    ['a name', [Buffer.of(0x66, 0xff), Buffer.from('v')], 'the field 66ff (hex) is no UTF-8'],
  ])('hashReader: %s that is no text rejects the key, and says which', async (_, parts, words) => {
    const entry = await only(() => parts, [hashReader()], 'hash');
    expect(entry).toMatchObject({ key: 'k', error: { code: 'DECODE_FAILED' } });
    expect(entry!.error!.message).toContain(words);
  });
});

describe('a listing of a server that says a key twice', () => {
  it('tells it once, as it was read last', async () => {
    let reads = 0;
    const client = fakeClient((command, args) => {
      if (command === 'SCAN')
        return args[0] === '0' ? [Buffer.from('7'), [Buffer.from('a')]] : ['0', [Buffer.from('a')]];
      if (command !== 'MGET') return 'PONG';
      reads += 1;
      return args.map(() => Buffer.from(String(reads)));
    });
    const told: ResyncEvent<Uint8Array>[] = [];
    await new Promise<void>((complete, error) => {
      listRedis(client, { prefixes: [''] }).subscribe({ next: (event) => told.push(event), complete, error });
    });
    expect(told.map(({ entries }) => entries.items)).toMatchObject([[{ key: 'a', value: encodeText('2') }]]);
  });
});

describe('a value that is larger than Redis takes', () => {
  it('is refused before anything is sent', async () => {
    const sent: string[] = [];
    const client = fakeClient((command) => {
      sent.push(command);
      return 'OK';
    });
    const broker = redisBroker(client);
    const value = new Uint8Array(512 * MB + 1);
    const refusal = { code: 'TOO_LARGE', key: 'a', message: expect.stringContaining('512 MB') as string };
    await expect(broker.put('a', value)).rejects.toMatchObject(refusal);
    await expect(broker.txn().put('a', value).commit()).rejects.toMatchObject(refusal);
    await expect(broker.compareAndSwap('a', undefined, value)).rejects.toMatchObject(refusal);
    expect(sent).toEqual([]);
    await broker.put('a', new Uint8Array(1));
    expect(sent).toEqual(['PING', 'INFO', 'SET']);
    await broker.close();
  });
});
