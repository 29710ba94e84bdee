import type { Observable } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import {
  type Broker,
  type ChangeEvent,
  fromMemory,
  jsonCodec,
  listMemory,
  type MemoryBroker,
  type MemoryCommitResult,
  memoryBroker,
  memoryStore,
  type ResyncEvent,
  type Source,
  watchMemory,
} from '../../../lib/index.ts';

const store = memoryStore();
const prefixes = [''];
const codec = jsonCodec<{ mtu: number }>();

describe('memory', () => {
  it('hands out bytes without a codec, else what the codec makes', () => {
    expectTypeOf(fromMemory(store, { prefixes })).toEqualTypeOf<Source<Uint8Array>>();
    expectTypeOf(fromMemory(store, { prefixes, codec })).toEqualTypeOf<Source<{ mtu: number }>>();
    expectTypeOf(listMemory(store, { prefixes, codec })).toEqualTypeOf<Observable<ResyncEvent<{ mtu: number }>>>();
    expectTypeOf(watchMemory(store, { prefixes, codec })).toEqualTypeOf<Observable<ChangeEvent<{ mtu: number }>>>();
    expectTypeOf(memoryBroker(store)).toEqualTypeOf<MemoryBroker<Uint8Array>>();
    expectTypeOf(memoryBroker(store, { codec })).toExtend<Broker<{ mtu: number }>>();
  });

  it('needs a codec for any other type', () => {
    // @ts-expect-error a codec is missing
    fromMemory<string>(store, { prefixes });
    // @ts-expect-error a codec is missing
    memoryBroker<string>(store, {});
  });

  it('brings the outcomes back from a commit, also of a deeper view', async () => {
    const txn = memoryBroker(store, { codec }).under('a/').txn().put('x', { mtu: 1 }).delete('y');
    expectTypeOf(txn.commit()).toEqualTypeOf<Promise<MemoryCommitResult>>();
    // @ts-expect-error not the type of the codec
    txn.put('x', { mtu: '1' });
  });
});
