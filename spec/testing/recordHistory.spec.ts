import { fromBackend, jsonCodec, memoryBackend, memoryBroker, memoryStore } from 'rx-datasync';
import { recordHistory, validate } from 'rx-datasync/testing';
import { describe, expect, it } from 'vitest';

describe('recordHistory', () => {
  it('runs the example of its doc comment, which finds what was not told', async () => {
    const judged = async (...puts: readonly number[]): Promise<string[]> => {
      const store = memoryStore();
      const broker = memoryBroker(store, { codec: jsonCodec<number>() });
      const backend = memoryBackend(store);
      const { history, unsubscribe } = recordHistory(
        fromBackend(backend, { prefixes: [''], codec: jsonCodec<number>() }),
      );
      await broker.put('x', 1);
      for (const [index, x] of puts.entries()) history.write({ revision: index + 1, put: { x } });
      history.quiet();
      unsubscribe();
      return validate(history, backend.capabilities).map(({ invariant }) => invariant);
    };
    expect(await judged(1)).toEqual([]);
    expect(await judged(1, 2)).toContain('I18');
  });
});
