import { EMPTY, from, map, merge, NEVER, type Observable, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Backend, type Frame, memoryStore, pinned, textCodec } from '../../lib/index.ts';
import { History, recordStore, recordUpstream, undecodable } from '../../lib/testing/index.ts';

/** The steps without number and time. */
const lines = (history: { toString(): string }): string[] =>
  history
    .toString()
    .split('\n')
    .map((line) => line.replace(/^\d+ \+\d+ /, ''));

/** Bytes of a text. */
const raw = (value: string): Uint8Array => textCodec.encode(value, '');

describe('recordUpstream', () => {
  const open = (backend: Backend, from?: unknown): Observable<Frame> =>
    backend.open({ prefixes: ['a'], added: ['a'], from, ready: () => NEVER });

  it('records connections, frames and settlements, and changes nothing else', () => {
    const history = new History();
    const settled: string[] = [];
    const sent: Frame[] = [
      { type: 'page', entries: [{ key: 'ax', value: raw('1') }] },
      { type: 'snapshot', revision: 1, settled: ({ type }) => settled.push(type) },
    ];
    const backend: Backend = {
      ...pinned({ list: () => EMPTY, watch: () => EMPTY, maxSilence: 5 }),
      open: ({ ready }) => merge(from(sent), ready().pipe(map((): Frame => ({ type: 'progress' })))),
    };
    const recorded = recordUpstream(backend, history);
    expect(recorded).toMatchObject({ name: backend.name, capabilities: backend.capabilities, maxSilence: 5 });
    const frames: Frame[] = [];
    const subscription = open(recorded, 3).subscribe((frame) => frames.push(frame));
    for (const frame of frames) if (frame.type === 'snapshot') frame.settled?.({ type: 'applied' });
    subscription.unsubscribe();
    expect(settled).toEqual(['applied']);
    expect(lines(history)).toEqual([
      'open 1 "a" from 3',
      'frame 1 of 1 page "ax"',
      'frame 2 of 1 snapshot@1',
      'waits for room 1',
      'frame 2 applied',
      'has room 1',
      'close 1',
    ]);
  });

  it('tells an end from a close', () => {
    const history = new History();
    const broken: Backend = {
      ...pinned({ list: () => EMPTY, watch: () => EMPTY }),
      open: () => throwError(() => new Error('broken')),
    };
    open(recordUpstream(broken, history)).subscribe({ error: () => undefined });
    open(recordUpstream({ ...broken, open: () => EMPTY }, history)).subscribe();
    expect(lines(history)).toEqual([
      'open 1 "a" from nothing',
      'end 1 broken',
      'open 2 "a" from nothing',
      'end 2 completed',
    ]);
  });
});

describe('recordStore', () => {
  it('records what a store holds, what is written, and that it was wiped', () => {
    const history = new History<string>();
    const store = memoryStore();
    store.put('x', raw('1'));
    const decode = (bytes: Uint8Array): string => {
      if (bytes.length === 0) throw new Error('empty');
      return textCodec.decode(bytes, '');
    };
    const stop = recordStore(store, history, { decode });
    store.apply([
      { op: 'put', key: 'y', value: raw('') },
      { op: 'delete', key: 'x' },
    ]);
    store.wipe();
    store.put('x', raw('2'));
    stop();
    store.put('x', raw('3'));
    expect(lines(history)).toEqual(['write {x:"1"}@1', 'write y:?,!x@2', 'write {}@0', 'write x:"2"@1']);
    expect(history.steps[1]).toMatchObject({
      facts: new Map([
        ['y', { value: undecodable, revision: 2 }],
        ['x', undefined],
      ]),
    });
  });

  it('takes null for a value, and neither undefined nor a Promise', () => {
    const values: readonly unknown[] = [null, undefined, Promise.resolve(1)];
    const history = new History<unknown>();
    const store = memoryStore();
    store.apply([0, 1, 2].map((length) => ({ op: 'put', key: `${length}`, value: new Uint8Array(length) })));
    recordStore(store, history, { decode: ({ length }) => values[length] })();
    expect(lines(history)).toEqual(['write {0:null 1:? 2:?}@1']);
  });
});
