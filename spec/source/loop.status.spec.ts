import { BehaviorSubject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { Claim } from '../../lib/model/ack.ts';
import { DatasyncError } from '../../lib/model/errors.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { changes, listing, progress } from '../../lib/testing/frames.ts';
import { ScriptedBackend } from '../../lib/testing/scriptedBackend.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { Seen, StatusLog } from '../support/seen.ts';
import { subscribed } from '../support/subscribed.ts';

const counters = { lateClaims: 0, dropped: 0, unknownDeletes: 0, lag: 0, unsettled: 0 };

describe('statusObserver', () => {
  it('is told the transitions, each with what is known', () =>
    virtually((time) => {
      const { backend, seen, status } = subscribed();
      const cut = new Error('cut');
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8));
      time.advance(50);
      backend.fail(cut);
      time.advance(100);
      backend.send(changes({ x: 3 }, 9));
      seen.unsubscribe();
      const stale = { since: 50, cause: cut };
      expect(status.all).toEqual([
        { subscription: 1, ...counters, state: 'connecting' },
        { subscription: 1, ...counters, state: 'snapshotting' },
        { subscription: 1, ...counters, state: 'live' },
        { subscription: 1, ...counters, state: 'backoff', stale, attempt: 1, until: 150, cause: cut, revision: 8 },
        { subscription: 1, ...counters, state: 'connecting', stale, attempt: 1, revision: 8 },
        { subscription: 1, ...counters, state: 'live', attempt: 1, revision: 8 },
        { subscription: 1, ...counters, state: 'closed', attempt: 1, revision: 9 },
      ]);
    }));

  it('changes are none of its business', () =>
    virtually(() => {
      const { backend, status } = subscribed();
      backend.send(...listing({ x: 0 }, 7));
      status.take();
      for (let i = 1; i < 100; i++) backend.send(changes({ x: i }, 7 + i));
      backend.send(...listing({ x: 1, y: 1 }, 200));
      expect(status.take()).toEqual([]);
    }));

  it('one observer sees all subscriptions', () =>
    virtually(() => {
      const status = new StatusLog();
      const backend = new ScriptedBackend();
      const source = fromBackend(backend, { prefixes: [''], codec: jsonCodec(), statusObserver: status });
      const first = new Seen(source);
      new Seen(source);
      first.unsubscribe();
      expect(status.all.map(({ subscription, state }) => `${subscription} ${state}`)).toEqual([
        '1 connecting',
        '2 connecting',
        '1 closed',
      ]);
    }));

  it('closed is said once, also after an error', () =>
    virtually(() => {
      const { backend, seen, status } = subscribed({ retry: { count: 0 } });
      backend.fail();
      expect(seen.errors.length).toBe(1);
      seen.unsubscribe();
      expect(status.take()).toEqual(['connecting', 'closed']);
    }));

  it('its exceptions are reported, and break nothing', () =>
    virtually((time) => {
      const error = new Error('in the observer');
      const statusObserver = {
        next: () => {
          throw error;
        },
      };
      const { backend, seen } = subscribed({ statusObserver });
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8));
      expect(seen.take()).toEqual(['{x:1}@7', 'x:1>2@8']);
      expect(time.takeUnhandled()).toEqual([error, error, error]);
      seen.unsubscribe();
      expect(time.takeUnhandled()).toEqual([error]);
    }));

  it('its error and complete are never called', () =>
    virtually((time) => {
      const never = () => {
        throw new Error('called');
      };
      const statusObserver = { next: () => undefined, error: never, complete: never };
      const { backend, seen } = subscribed({ statusObserver, retry: { count: 0 } });
      backend.send(...listing({ x: 1 }, 7));
      backend.fail();
      expect(seen.errors.length).toBe(1);
      expect(time.takeUnhandled()).toEqual([]);
    }));
});

describe('stale', () => {
  it('is not said before anything was told', () =>
    virtually((time) => {
      const { backend, status } = subscribed();
      backend.fail();
      time.advance(100);
      backend.fail();
      expect(status.take()).toEqual(['connecting', 'backoff', 'connecting', 'backoff']);
    }));

  it('begins with the first break and ends with the first frame that counts', () =>
    virtually((time) => {
      const { backend, status } = subscribed();
      backend.send(...listing({ x: 1 }, 7));
      status.take();
      time.advance(10);
      backend.fail(new Error('first'));
      time.advance(100);
      backend.fail(new Error('second'));
      expect(status.last.stale).toMatchObject({ since: 10, cause: { message: 'first' } });
      expect(status.last.cause).toMatchObject({ message: 'second' });
      time.advance(200);
      backend.send(progress());
      expect(status.take()).toEqual(['backoff!', 'connecting!', 'backoff!', 'connecting!', 'live']);
    }));

  it('a trouble that the backend tells is apart from the state, and ends when it says so', () =>
    virtually((time) => {
      const { backend, seen, status } = subscribed();
      const trouble = new DatasyncError('UNREADABLE', 'gone');
      backend.send(progress(undefined, { stale: trouble }));
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8));
      time.advance(5);
      backend.send(progress(undefined, { stale: new DatasyncError('UNREADABLE', 'still gone') }));
      expect(status.last).toMatchObject({ stale: { since: 0 }, cause: { message: '[rx-datasync] still gone' } });
      backend.send(progress(undefined, { stale: null }));
      expect(status.take()).toEqual(['connecting', 'connecting!', 'snapshotting!', 'live!', 'live!', 'live']);
      expect(seen.take()).toEqual(['{x:1}@7', 'x:1>2@8']);
    }));

  it('the older of two troubles is shown', () =>
    virtually((time) => {
      const { backend, status } = subscribed();
      backend.send(...listing({ x: 1 }, 7));
      time.advance(5);
      backend.send(progress(undefined, { stale: new DatasyncError('UNREADABLE', 'gone') }));
      time.advance(5);
      backend.fail();
      expect(status.last.stale).toMatchObject({ since: 5, cause: { code: 'UNREADABLE' } });
    }));
});

describe('what waits and what is open', () => {
  it('is told when inFlight fills and when it empties', () =>
    virtually((time) => {
      const claims: Claim[] = [];
      const { backend, status } = subscribed({ delivery: { inFlight: 2 } }, {}, (event) => {
        if (event.type === 'change') claims.push(event.claim());
      });
      backend.send(...listing({ x: 0 }, 7));
      status.take();
      backend.send(changes({ x: 1 }, 8));
      time.advance(5);
      expect(status.take()).toEqual([]);
      backend.send(changes({ x: 2 }, 9));
      expect(status.last).toMatchObject({ unsettled: 2, oldestUnsettledSince: 0, revision: 9, lag: 0 });
      backend.send(changes({ x: 3, y: 1 }, 10), changes({ x: 4 }, 11));
      expect(status.take()).toEqual(['live']);
      backend.complete();
      expect(status.last).toMatchObject({ state: 'backoff', unsettled: 2, lag: 3, revision: 9 });
      status.take();
      // Each one that settles makes room for one that waits.
      for (let i = 0; i < 4; i++) claims[i]!.done();
      expect(status.last).toMatchObject({ unsettled: 0, lag: 0, revision: 11 });
      expect(status.last).not.toHaveProperty('oldestUnsettledSince');
      time.advance(100);
      backend.send(progress());
      status.take();
      backend.send(changes({ x: 5 }, 12));
      claims[4]!.done();
      expect(status.take()).toEqual([]);
    }));

  it('the revision counts what was looked at and told nobody', () =>
    virtually(() => {
      const { backend, status } = subscribed();
      backend.send(...listing({ x: 1 }, 7), changes({ x: 1 }, 8));
      backend.complete();
      expect(status.last.revision).toBe(8);
    }));

  it('nothing is watched: live, without a connection', () =>
    virtually(() => {
      const { status } = subscribed({ prefixes: new BehaviorSubject([]) });
      expect(status.all.map(({ state, revision }) => [state, revision])).toEqual([
        ['connecting', undefined],
        ['live', undefined],
      ]);
    }));
});
