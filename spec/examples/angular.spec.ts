import { computed, Injector, runInInjectionContext } from '@angular/core';
import { expect, it } from 'vitest';
import { liveNodes, type Node } from '../../examples/angular/liveNodes.ts';
import { fromMemory, jsonCodec, memoryBroker, memoryStore } from '../../lib/index.ts';

it('angular: the nodes are signals, and what did not change keeps its identity', async () => {
  const store = memoryStore();
  const codec = jsonCodec<Node>();
  const broker = memoryBroker(store, { codec });
  await broker.put('/nodes/a', { ip: '10.0.0.1' });
  await broker.put('/nodes/b', { ip: '10.0.0.2' });

  const injector = Injector.create({ providers: [] });
  const { nodes, node } = runInInjectionContext(injector, () =>
    liveNodes(fromMemory(store, { prefixes: ['/nodes/'], codec })),
  );
  const a = node('/nodes/a');
  const b = node('/nodes/b');
  const before = nodes();
  const rendered = { a: 0, b: 0 };
  const views = {
    a: computed(() => {
      rendered.a++;
      return a();
    }),
    b: computed(() => {
      rendered.b++;
      return b();
    }),
  };
  const render = () => {
    views.a();
    views.b();
    return rendered;
  };
  expect(render()).toEqual({ a: 1, b: 1 });
  expect([...before]).toEqual([
    ['/nodes/a', { ip: '10.0.0.1' }],
    ['/nodes/b', { ip: '10.0.0.2' }],
  ]);

  // The same content once more changes nothing that is shown.
  await broker.put('/nodes/a', { ip: '10.0.0.1' });
  await broker.put('/nodes/b', { ip: '10.0.0.3' });
  expect(nodes()).not.toBe(before);
  expect(b()).toEqual({ ip: '10.0.0.3' });
  expect(render()).toEqual({ a: 1, b: 2 });

  injector.destroy();
  await broker.put('/nodes/b', { ip: '10.0.0.4' });
  expect(b()).toEqual({ ip: '10.0.0.3' });
});
