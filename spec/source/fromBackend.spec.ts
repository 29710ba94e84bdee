import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import { DatasyncError } from '../../lib/model/errors.ts';
import type { ResyncEvent } from '../../lib/model/events.ts';
import { ContinuityLost, FatalError } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { changes, listing, page, progress, snapshot } from '../../lib/testing/frames.ts';
import { ScriptedBackend } from '../../lib/testing/scriptedBackend.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { Seen } from '../support/seen.ts';

const codec = jsonCodec<number>();
const everything = { prefixes: [''], codec };

describe('fromBackend', () => {
  it('tells a resync first, then changes with their previous values', () =>
    virtually(() => {
      const backend = new ScriptedBackend();
      const seen = new Seen(fromBackend(backend, everything));
      backend.send(page({ x: 1 }, 7), page({ y: 2 }, 7));
      expect(seen.take()).toEqual([]);
      backend.send(snapshot(7), changes({ x: 3, z: 9 }, 8), changes({ x: undefined }, 9));
      expect(seen.take()).toEqual(['{x:1 y:2}@7', 'x:1>3,z:9@8', '!x:3@9']);
      expect(seen.events.map(({ epoch }) => epoch)).toEqual([1, 1, 1]);
    }));

  it('tells a resync also of nothing', () =>
    virtually(() => {
      const backend = new ScriptedBackend({ opened: (connection) => connection.send(snapshot(0)) });
      const seen = new Seen(fromBackend(backend, { ...everything, prefixes: ['a/', 'b/'] }));
      expect(seen.take()).toEqual(['{}@0']);
      expect((seen.last as ResyncEvent<number>).prefixes).toEqual(['a/', 'b/']);
    }));

  it('hands over raw bytes without a codec', () =>
    virtually(() => {
      const backend = new ScriptedBackend({ opened: (connection) => connection.send(...listing({ x: 1 }, 1)) });
      const seen = new Seen(fromBackend(backend, { prefixes: [''] }));
      expect((seen.last as ResyncEvent<Uint8Array>).entries.get('x')?.value).toEqual(new Uint8Array([0x31]));
    }));

  it('gives each subscription a connection, a resync and acks of its own', () =>
    virtually(() => {
      const backend = new ScriptedBackend({ opened: (connection) => connection.send(...listing({ x: 1 }, 1)) });
      const source = fromBackend(backend, everything);
      const a = new Seen(source, (event) => event.fail(new Error('a')));
      const b = new Seen(source);
      expect([a.take(), b.take()]).toEqual([['{x:1}@1'], ['{x:1}@1']]);
      expect(backend.settled).toEqual(['failed', 'delivered']);
      a.unsubscribe();
      expect(backend.connections.map(({ closed }) => closed)).toEqual([true, false]);
      backend.send(changes({ x: 2 }, 2));
      expect([a.take(), b.take()]).toEqual([[], ['x:1>2@2']]);
    }));

  it('does nothing before it is subscribed', () => {
    const backend = new ScriptedBackend();
    fromBackend(backend, everything);
    expect(backend.log).toEqual([]);
  });

  it('tells only what lies under the prefixes, compared as raw strings', () =>
    virtually(() => {
      const backend = new ScriptedBackend();
      const seen = new Seen(fromBackend(backend, { prefixes: ['component/', 'a'], codec }));
      backend.send(...listing({ 'component/x': 1, 'component2/x': 2, component: 3, a: 4, ab: 5, b: 6 }, 1));
      expect(seen.take()).toEqual(['{a:4 ab:5 component/x:1}@1']);
      backend.send(changes({ 'component2/x': 3, c: 1 }, 2), changes({ 'component/': 3, c: 1 }, 3));
      expect(seen.take()).toEqual(['component/:3@3']);
      expect(backend.settled).toEqual(['delivered', 'superseded', 'delivered']);
    }));

  it('never completes: a backend that completes is connected again', () =>
    virtually((time) => {
      const backend = new ScriptedBackend();
      const seen = new Seen(fromBackend(backend, everything));
      backend.complete();
      time.advance(100);
      expect(backend.log).toEqual(['open 1', 'close 1', 'open 2']);
      expect(seen.completed).toBe(false);
    }));
});

describe('reasons and epochs', () => {
  const connected = () => {
    const backend = new ScriptedBackend();
    const seen = new Seen(fromBackend(backend, everything));
    backend.send(...listing({ x: 1 }, 7));
    seen.take();
    return { backend, seen };
  };

  it.each(['compacted', 'reconnected', 'inconsistent', 'regressed'] as const)('ContinuityLost says why: %s', (reason) =>
    virtually((time) => {
      const { backend, seen } = connected();
      backend.fail(new ContinuityLost(reason));
      time.advance(100);
      expect(backend.connection.context).toMatchObject({ from: undefined, added: [''] });
      backend.send(...listing({ x: 1, y: 2 }, 9));
      expect(seen.take()).toEqual([`{x:1@7 +y:2}@9 ${reason}`]);
      expect(seen.last.epoch).toBe(2);
    }),
  );

  it('a snapshot that went back says regressed, and is the new base', () =>
    virtually((time) => {
      const { backend, seen } = connected();
      backend.fail(new ContinuityLost('compacted'));
      time.advance(100);
      backend.send(...listing({ x: 0 }, 3), changes({ x: 4 }, 4));
      expect(seen.take()).toEqual(['{x:1>0}@3 regressed', 'x:0>4@4']);
    }));

  it('so does one that went back behind what progress had said', () =>
    virtually((time) => {
      const { backend, seen } = connected();
      backend.send(progress(12));
      backend.fail(new ContinuityLost('compacted'));
      time.advance(100);
      backend.send(...listing({ x: 1 }, 10));
      expect(seen.take()).toEqual(['{=x:1@7}@10 regressed']);
    }));

  it('a snapshot with a reason is told as a resync also on a live connection', () =>
    virtually(() => {
      const { backend, seen } = connected();
      backend.send(...listing({ x: 2 }, 8, { reason: 'requested' }));
      expect(seen.take()).toEqual(['{x:1>2}@8 requested']);
    }));

  it('one without a reason as the difference', () =>
    virtually(() => {
      const { backend, seen } = connected();
      backend.send(...listing({ y: 2 }, 8), ...listing({ y: 2 }, 9));
      expect(seen.take()).toEqual(['~!x:1,y:2@8']);
      expect(backend.settled).toEqual(['delivered', 'delivered', 'superseded']);
      backend.send(snapshot(10), ...listing({ a: 1 }, 11));
      expect(seen.take()).toEqual(['~!y:2@10', '~a:1@11']);
    }));

  it('the first resync says initial, whatever came before it', () =>
    virtually((time) => {
      const backend = new ScriptedBackend();
      const seen = new Seen(fromBackend(backend, everything));
      backend.send(page({ x: 1 }));
      backend.fail(new ContinuityLost('compacted'));
      time.advance(100);
      backend.send(...listing({ y: 1 }, 1));
      expect(seen.take()).toEqual(['{y:1}@1']);
    }));
});

describe('FatalError', () => {
  it('ends the subscription with its cause', () =>
    virtually((time) => {
      const backend = new ScriptedBackend();
      const seen = new Seen(fromBackend(backend, everything));
      const cause = new DatasyncError('UNREADABLE', 'no such directory');
      backend.fail(new FatalError('never', { cause }));
      expect(seen.errors).toEqual([cause]);
      expect(time.timers).toBe(0);
    }));

  it('or, where that is none of ours, with FATAL', () =>
    virtually(() => {
      const backend = new ScriptedBackend({ opened: (connection) => connection.send(...listing({ x: 1 }, 1)) });
      const seen = new Seen(fromBackend(backend, everything), (event) => event.claim());
      const error = new FatalError('access denied for good', { cause: new Error('403') });
      backend.fail(error);
      expect(seen.errors).toMatchObject([
        { code: 'FATAL', message: '[rx-datasync/scripted] access denied for good', cause: error },
      ]);
      expect(backend.settled).toEqual(['cancelled']);
    }));
});
