import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromBackend, jsonCodec } from 'rx-datasync';
import {
  frames,
  History,
  notation,
  recordUpstream,
  runMarbles,
  scriptedBackend,
  validate,
  virtually,
} from 'rx-datasync/testing';
import { concatMap, map, throwError, timer } from 'rxjs';
import { applyTo, type Router } from './applyTo.ts';

const refused = throwError(() => new Error('no such MTU'));

/** A router that takes 3 ms for everything, 1 ms for one interface, and refuses what is too large. */
const slowRouter: Router = {
  replaceAll: () => timer(3),
  setMtu: (_, mtu) => timer(1).pipe(concatMap(() => (mtu !== undefined && mtu > 9000 ? refused : []))),
};

describe('applyTo', () => {
  it('waits for the snapshot to be applied, and reports each change', () => {
    runMarbles(({ cold, expectEvents }) => {
      const source = cold<number>('-Rab----c-|', { R: '{eth0:1500}@7', a: 'eth0:9000@8', b: '!eth1@7', c: '!eth0@9' });
      const expected = '           ----Ra---c|';
      const values = { R: '{eth0:1500}@7 applied', a: 'eth0:9000@8 applied', c: '!eth0@9 applied' };
      expectEvents(source.pipe(applyTo(slowRouter))).toBe(expected, values);
    });
  });

  it('says which change failed, and goes on', () => {
    runMarbles(({ cold, expectEvents }) => {
      const source = cold<number>('R---ab', { R: '{}@1', a: 'eth0:65536@2', b: 'eth0:9000@3' });
      const values = { R: '{}@1 applied', a: 'eth0:65536@2 failed', b: 'eth0:9000@3 applied' };
      expectEvents(source.pipe(applyTo(slowRouter))).toBe('---R-ab', values);
    });
  });

  it('keeps every promise when the connection breaks in the middle', () => {
    virtually((time) => {
      const history = new History<number>();
      const backend = scriptedBackend();
      const source = fromBackend(recordUpstream(backend, history), { prefixes: [''], codec: jsonCodec<number>() });
      const told: string[] = [];
      const subscription = source
        .pipe(
          history.tap('source'),
          applyTo(slowRouter),
          history.tapResults(),
          map((result) => notation.format(result)),
        )
        .subscribe({ next: (text) => told.push(text), error: (error: unknown) => assert.fail(String(error)) });

      history.write({ revision: 7, put: { eth0: 1500, eth1: 1500 } });
      backend.send(...frames.listing({ eth0: 1500, eth1: 1500 }, 7));
      time.advance(10);
      backend.fail();
      history.write({ revision: 8, put: { eth0: 9000 }, delete: ['eth1'] });
      time.advance(200);
      backend.send(frames.changes({ eth0: 9000, eth1: undefined }, 8));
      time.advance(10);
      history.quiet();
      subscription.unsubscribe();

      assert.deepEqual(told, ['{eth0:1500 eth1:1500}@7 applied', 'eth0:1500>9000,!eth1:1500@8 applied']);
      assert.deepEqual(validate(history, backend.capabilities), []);
    });
  });
});
