import { EMPTY, NEVER, type Observable, of, Subject, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromMemory, publishTo, ResyncEvent } from '../../lib/index.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { codec, failures, fake, published, run, target } from './publishing.ts';
import { collect, type Event, event, Producer } from './support.ts';

const no = new Error('no');

describe('publishTo', () => {
  it('writes changes as they are: puts, deletes, and transactions as one', async () => {
    const { store, broker, held } = target({ x: 1, y: 2 });
    const results = await published(broker, ['x:5@1', 'x:6,z:7,!y@2', '!z@3', '!z@4', 'q:?@5']);
    expect(results.map(({ outcome }) => outcome.type)).toEqual(Array(5).fill('applied'));
    expect([held(), store.revision]).toEqual([{ x: 6 }, 5]);
  });

  it('the broker adds its own prefix', async () => {
    const { broker, held } = target({ 'copy/old': 1, x: 1 }, 'copy/');
    await published(broker, ['{x:2}@1', 'y:3@2']);
    expect(held()).toEqual({ x: 1, 'copy/x': 2, 'copy/y': 3 });
  });

  it('a resync makes the broker equal, in one transaction, and puts only what differs', async () => {
    const { store, broker, held } = target({ same: 1, other: 2, gone: 3 });
    const before = store.get('same')!.revision;
    await published(broker, ['{same:1 other:5 new:6}@1']);
    expect([held(), store.revision, store.get('same')!.revision]).toEqual([{ same: 1, other: 5, new: 6 }, 4, before]);
    await published(broker, ['{same:1 other:5 new:6}@1']);
    expect(store.revision).toBe(4);
  });

  it('a resync does so under its prefixes only, also where they overlap', async () => {
    const { broker, held } = target({ '/a/1': 1, '/a/2': 1, '/b/1': 1 });
    const under = (prefixes: string[], values: Record<string, number>) => ResyncEvent.of(values, 1, { prefixes });
    await published(broker, [under(['/a/', '/a/1'], { '/a/2': 5 })]);
    expect(held()).toEqual({ '/a/2': 5, '/b/1': 1 });
    await published(broker, [under([], {})]);
    expect(held()).toEqual({ '/a/2': 5, '/b/1': 1 });
  });

  it('what the source cannot read stays as it is there', async () => {
    const { broker, held } = target({ x: 1, y: 2 });
    await published(broker, ['{x:? z:3}@1', 'z:?@2']);
    expect(held()).toEqual({ x: 1, z: 3 });
  });

  it('what the broker cannot read is overwritten, or deleted', async () => {
    const { store, broker, held } = target({ x: 1 });
    for (const key of ['x', 'y']) store.put(key, new Uint8Array([255]));
    const results = await published(broker, ['{x:2}@1']);
    expect([failures(results[0]!), held()]).toEqual([['applied'], { x: 2 }]);
  });

  it('what was deleted while nobody published is deleted by the next first resync', async () => {
    const [from, to] = [target({ x: 1, y: 2 }), target()];
    const sync = async (): Promise<void> => {
      const settled = fromMemory(from.store, { prefixes: [''], codec }).pipe(publishTo(to.broker));
      await new Promise<void>((resolve) => {
        const running = settled.subscribe(() => {
          running.unsubscribe();
          resolve();
        });
      });
    };
    await sync();
    from.store.delete('x');
    await sync();
    expect(to.held()).toEqual({ y: 2 });
  });

  it('does not wait for the subscribers of a memory broker', async () => {
    const { store, broker } = target();
    fromMemory(store, { prefixes: [''], codec }).subscribe((one) => void one.claim());
    const [result] = await published(broker, ['x:1,y:2@1']);
    expect(result!.outcome.type).toBe('applied');
  });

  it('works one at a time, and settles before it emits', () => {
    runMarbles(({ cold, expectEvents }) => {
      const values = {
        R: '{x:1}@1',
        a: 'x:2@2',
        b: 'y:3@3',
        r: '{x:1}@1 applied',
        x: 'x:2@2 applied',
        y: 'y:3@3 applied',
      };
      const slow = fake({ put: () => timer(2) });
      expectEvents(cold<number>('-(Rab)', values).pipe(publishTo(slow))).toBe('---r-x-y', values);
      const wide = publishTo<number>(slow, { concurrency: 2 });
      expectEvents(cold<number>('-(Rab)', values).pipe(wide)).toBe('---r-(xy)', values);
    });
    const producer = new Producer();
    const put = new Subject<void>();
    const log: string[] = [];
    producer.source.pipe(publishTo(fake({ put: () => put }))).subscribe(() => log.push(...producer.settled));
    producer.tell('x:1@1');
    put.complete();
    expect(log).toEqual(['x:1@1 applied']);
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(publishTo(fake({})))).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(publishTo(fake({})))).got).toEqual([]);
  });

  it('source error: passed on at once, the write under way is cancelled', () => {
    const { producer, got } = run(fake({ put: () => NEVER }));
    producer.tell('x:1@1');
    producer.error(no);
    expect([got, producer.settled]).toEqual([['# no'], ['x:1@1 cancelled']]);
  });

  it('early unsubscribe: nothing more is written or said', () => {
    const put = new Subject<void>();
    const written: string[] = [];
    const slow = fake({
      put: (key: string) => {
        written.push(key);
        return put;
      },
    });
    const { producer, got, unsubscribe } = run(slow);
    producer.tell('x:1,y:2@1', 'z:3@2');
    unsubscribe();
    put.complete();
    expect([written, got, producer.settled]).toEqual([['x'], [], ['x:1,y:2@1 cancelled', 'z:3@2 cancelled']]);
    expect([producer.open, put.observed]).toEqual([0, false]);
  });

  it('second resync while the first is open: written after it', () => {
    const puts: Subject<void>[] = [];
    const put = (): Observable<void> => puts[puts.push(new Subject()) - 1]!;
    const { producer, got } = run(fake({ put }));
    producer.tell('{x:1}@1', '{x:2}@2 requested');
    expect(puts).toHaveLength(1);
    for (let i = 0; i < 2; i++) puts[i]!.complete();
    expect(got).toEqual(['{x:1}@1 applied', '{x:2}@2 requested applied']);
  });
});

describe('each subscription', () => {
  it('publishes for itself', () => {
    const written: string[] = [];
    const source = new Subject<Event>();
    const publishing = source.pipe(publishTo(fake({ put: (key: string) => of(written.push(key)) })));
    collect(publishing);
    collect(publishing);
    source.next(event('x:1@1'));
    expect(written).toEqual(['x', 'x']);
  });
});
