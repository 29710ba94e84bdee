import { describe, expect, it } from 'vitest';
import { encodeText } from '../../lib/internal/bytes.ts';
import type { Codec } from '../../lib/model/codec.ts';
import { DatasyncError } from '../../lib/model/errors.ts';
import type { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import type { RawChange, RawEntry } from '../../lib/source/frames.ts';
import { bad, changes, listing, page, raw, snapshot } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

describe('a value that cannot be decoded', () => {
  it('is rejected, and the last good one stays', () =>
    virtually(() => {
      const { backend, seen } = subscribed();
      backend.send(...listing({ x: 1, y: 1, z: bad }, 7), changes({ x: bad, y: 2 }, 8), changes({ z: 3 }, 9));
      expect(seen.take()).toEqual(['{x:1 y:1 z:?}@7', 'x:1?,y:1>2@8', 'z:3@9']);
      expect((seen.events[1] as ChangeEvent<number>).rejected).toMatchObject([
        {
          key: 'x',
          raw: encodeText('?'),
          lastGood: 1,
          error: { code: 'DECODE_FAILED', backend: 'scripted', key: 'x', cause: expect.any(SyntaxError) },
        },
      ]);
      expect((seen.events[1] as ChangeEvent<number>).rejected[0]!.error.message).toMatch(
        /^\[rx-datasync\/scripted\] the value of "x" is not valid json: /,
      );
      expect((seen.events[0] as ResyncEvent<number>).rejected[0]).not.toHaveProperty('lastGood');
    }));

  it('a change may be nothing but rejected', () =>
    virtually(() => {
      const { backend, seen } = subscribed();
      backend.send(...listing({ x: 1 }, 7), changes({ x: bad }, 8), changes({ x: bad }, 9));
      expect(seen.take()).toEqual(['{x:1}@7', 'x:1?@8']);
      expect(backend.settled).toEqual(['delivered', 'delivered', 'superseded']);
    }));

  it('recovery is told, also when the value is the last good one', () =>
    virtually(() => {
      const { backend, seen } = subscribed();
      backend.send(...listing({ x: 1 }, 7), changes({ x: bad }, 8), changes({ x: 1 }, 9));
      expect(seen.take()).toEqual(['{x:1}@7', 'x:1?@8', 'x:1>1@9']);
      backend.send(changes({ x: bad }, 10));
      backend.send(...listing({ x: 1 }, 11, { reason: 'requested' }));
      expect(seen.take()).toEqual(['x:1?@10', '{x:1>1}@11 requested']);
    }));

  it('a resync lists all that is rejected now, and names none of it as removed', () =>
    virtually(() => {
      const { backend, seen } = subscribed();
      backend.send(...listing({ x: 1, y: 1 }, 7), changes({ x: bad }, 8));
      backend.send(...listing({ x: bad, y: bad, z: bad }, 9, { reason: 'requested' }));
      expect(seen.take().at(-1)).toBe('{=x:1?@7 =y:1?@7 z:?}@9 requested');
      const resync = seen.last as ResyncEvent<number>;
      expect(resync.diff).toEqual({ added: [], changed: [], removed: [] });
      expect(resync.rejected.map(({ key }) => key).sort()).toEqual(['x', 'y', 'z']);
    }));

  it('deleted while rejected: told once, with the last good value, or none', () =>
    virtually(() => {
      const { backend, seen, status } = subscribed();
      backend.send(...listing({ x: 1, z: bad }, 7), changes({ x: bad }, 8));
      backend.send(changes({ x: undefined, z: undefined }, 9), changes({ z: undefined }, 10));
      expect(seen.take().slice(2)).toEqual(['!x:1,!z@9']);
      backend.complete();
      expect(status.last.unknownDeletes).toBe(1);
    }));

  it('also by a resync', () =>
    virtually(() => {
      const { backend, seen } = subscribed();
      backend.send(...listing({ x: 1, z: bad }, 7), changes({ x: bad }, 8));
      backend.send(snapshot(9, { reason: 'requested' }), snapshot(10, { reason: 'requested' }));
      expect(seen.take().slice(2)).toEqual(['{!x:1 !z}@9 requested', '{}@10 requested']);
      expect((seen.last as ResyncEvent<number>).rejected).toEqual([]);
    }));

  it('put again after a delete it has no last good value', () =>
    virtually(() => {
      const { backend, seen } = subscribed();
      backend.send(...listing({ x: 1 }, 7), changes({ x: undefined }, 8), changes({ x: bad }, 9));
      expect(seen.take()).toEqual(['{x:1}@7', '!x:1@8', 'x:?@9']);
    }));

  it('undefined is none; null, an empty text and empty bytes are values', () =>
    virtually(() => {
      const codec: Codec<unknown> = {
        name: 'odd',
        decode: (bytes) => [undefined, null, '', 0, false][bytes.length],
        encode: () => new Uint8Array(),
      };
      const { backend, seen } = subscribed({ codec: codec as Codec<number> });
      const entries: RawEntry[] = [0, 1, 2, 3, 4].map((length) => ({
        key: `${length}`,
        value: new Uint8Array(length),
      }));
      backend.send({ type: 'page', entries, revision: 1 }, snapshot(1));
      expect(seen.take()).toEqual(['{0:? 1:null 2:"" 3:0 4:false}@1']);
      expect((seen.last as ResyncEvent<number>).rejected[0]!.error.message).toBe(
        '[rx-datasync/scripted] the odd codec returned undefined for "0"',
      );
    }));
});

describe('a backend that rejects by itself', () => {
  const error = new DatasyncError('PARSE_FAILED', 'line 3', { file: 'a.json', line: 3 });

  it('is told as if the codec had', () =>
    virtually(() => {
      const { backend, seen } = subscribed();
      const put: RawChange = { op: 'put', key: 'x', error, raw: raw('half') };
      backend.send(...listing({ x: 1 }, 7), { type: 'changes', changes: [put], revision: 8 });
      backend.send({ type: 'changes', changes: [put], revision: 9 }, changes({ x: 1 }, 10));
      expect(seen.take()).toEqual(['{x:1}@7', 'x:1?@8', 'x:1>1@10']);
      const { rejected } = seen.events[1] as ChangeEvent<number>;
      expect(rejected).toEqual([{ key: 'x', raw: raw('half'), error, lastGood: 1 }]);
    }));

  it('also in a page, without raw', () =>
    virtually(() => {
      const { backend, seen } = subscribed();
      backend.send({ type: 'page', entries: [{ key: 'x', error }] }, snapshot(1));
      expect((seen.last as ResyncEvent<number>).rejected).toEqual([{ key: 'x', raw: undefined, error }]);
    }));
});

describe('decoding', () => {
  it('is not done again for raw values that are held', () =>
    virtually(() => {
      const decoded: string[] = [];
      const codec: Codec<number> = {
        name: 'counting',
        decode: (bytes, key) => {
          decoded.push(key);
          return bytes[0]!;
        },
        encode: () => new Uint8Array(),
      };
      const { backend, seen } = subscribed({ codec });
      backend.send(...listing({ x: 1, y: 1 }, 7));
      backend.send(...listing({ x: 1, y: 2 }, 8, { reason: 'requested' }), changes({ x: 1 }, 9));
      expect(decoded).toEqual(['x', 'y', 'y']);
      const [first, second] = seen.events as ResyncEvent<number>[];
      expect(second!.entries.get('x')).toBe(first!.entries.get('x'));
    }));

  it('is not done for what is outside of the prefixes', () =>
    virtually(() => {
      const { backend, seen } = subscribed({ prefixes: ['a/'] });
      backend.send(page({ b: bad }, 7), ...listing({ 'a/x': 1 }, 7), changes({ b: bad }, 8));
      expect(seen.take()).toEqual(['{a/x:1}@7']);
    }));
});
