import { map, Subject, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { memoryBackend } from '../../../lib/backends/memory/memoryBackend.ts';
import { type MemoryPosition, memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { Outcome } from '../../../lib/model/ack.ts';
import type { SourceStatus } from '../../../lib/model/status.ts';
import type { Backend } from '../../../lib/source/frames.ts';
import { fromBackend } from '../../../lib/source/fromBackend.ts';
import { blackHole, close, latency, refuse, swapped, withFault } from '../../../lib/testing/faults.ts';
import { bytes, del, line, put } from './helpers.ts';

const at = (ms: number, action: () => void): void => void timer(ms).subscribe(action);

/** Virtual time: what is told, without revisions, and how often the connection state was `backoff`. */
function run(backend: Backend<MemoryPosition>, script: () => void) {
  const lines: string[] = [];
  let failures = 0;
  new TestScheduler(() => undefined).run(() => {
    const next = ({ state }: SourceStatus): void => void (state === 'backoff' && failures++);
    const config = { prefixes: [''], codec: textCodec, retry: { random: () => 0 }, statusObserver: { next } };
    const subscription = fromBackend(backend, config).subscribe((event) =>
      lines.push(line(event).replace(/@\d+|~/g, '')),
    );
    script();
    at(5_000, () => subscription.unsubscribe());
  });
  return { lines, failures };
}

describe.each(['pinned', 'windowed', 'diffed'] as const)('faults of a %s connection', (handOver) => {
  it('a connection that is refused, or closed at once, is tried again', () => {
    const store = memoryStore();
    store.put('x', bytes('1'));
    const backend = memoryBackend(store, { handOver });
    const flapping = refuse(refuse(backend, { times: 2 }), { times: 2, accept: true });
    const { lines, failures } = run(flapping, () => at(2_000, () => store.put('x', bytes('2'))));
    expect(lines).toEqual(['{x:1} initial', 'x:1>2']);
    expect(failures).toBe(4);
  });

  it('a connection that ends is opened again, and nothing is lost', () => {
    const store = memoryStore();
    store.apply([put('x', '1'), put('y', '1')]);
    const ended = new Subject<void>();
    const { lines } = run(close(memoryBackend(store, { handOver }), ended), () => {
      at(10, () => {
        ended.next();
        store.apply([del('x'), put('y', '2')]);
      });
    });
    expect(lines).toEqual(
      handOver === 'pinned' ? ['{x:1 y:1} initial', '!x,y:1>2'] : ['{x:1 y:1} initial', '{y:2} reconnected'],
    );
  });

  it('a stream that is dead is given up, where the backend says how long it may be silent', () => {
    const store = memoryStore();
    store.put('x', bytes('1'));
    const dead = new Subject<void>();
    const backend = { ...memoryBackend(store, { handOver }), maxSilence: 1_000 };
    const { lines, failures } = run(blackHole(backend, dead), () => {
      at(10, () => {
        dead.next();
        store.put('x', bytes('2'));
      });
    });
    expect(lines.slice(0, 2)).toEqual(['{x:1} initial', handOver === 'pinned' ? 'x:1>2' : '{x:2} reconnected']);
    expect(failures).toBeGreaterThan(0);
  });
});

describe('faults of a pinned connection', () => {
  it('an older frame that comes late is dropped', () => {
    const store = memoryStore();
    const { lines } = run(swapped(memoryBackend(store)), () => {
      store.put('x', bytes('1'));
      store.put('x', bytes('2'));
    });
    expect(lines).toEqual(['{} initial', 'x:2']);
  });

  it('a frame that is lost on its way is answered for', () => {
    const store = memoryStore();
    const outcomes: string[] = [];
    const settled = ({ type }: Outcome): void => void outcomes.push(type);
    const asking = withFault(memoryBackend(store), (frames) =>
      frames.pipe(map((frame) => (frame.type === 'changes' ? { ...frame, settled } : frame))),
    );
    run(latency(asking, 50), () => {
      at(100, () => store.put('x', bytes('1')));
      at(4_980, () => store.put('x', bytes('2')));
    });
    expect(outcomes).toEqual(['delivered', 'cancelled']);
  });
});
