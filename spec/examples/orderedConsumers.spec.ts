import { expect, it } from 'vitest';
import { run } from '../../examples/ordered-consumers/orderedConsumers.ts';

it('ordered-consumers: six in order, one that fails on a change, one that is told again by itself', async () => {
  const lines: string[] = [];
  await run((line) => lines.push(line));
  expect(lines).toEqual([
    '    the view has 4 keys',
    'resync (initial): interfaces applied, addresses applied, routes applied, rules applied, view delivered, log failed',
    '    the view has 6 keys',
    'change: interfaces applied, addresses delivered, routes applied, rules delivered, view delivered, log notStarted',
    '    the view has 7 keys',
    'change: interfaces delivered, addresses delivered, routes failed, rules delivered, view delivered, log notStarted',
    "    the writer hears of node: [rx-datasync] consumer 'routes' failed: /route/void: there is no interface eth7",
    'resync (nacked) for log again: interfaces notStarted, addresses notStarted, routes notStarted, rules notStarted, view notStarted, log applied',
  ]);
});
