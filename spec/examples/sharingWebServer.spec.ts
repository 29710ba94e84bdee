import { expect, it } from 'vitest';
import { run } from '../../examples/sharing-web-server/sharingWebServer.ts';

it('sharing-web-server: each client has a resync of its own, over one source', async () => {
  const lines: string[] = [];
  await run((line) => lines.push(line));
  expect(lines).toEqual([
    'ada: resync 1: /nodes/a up, /nodes/b up',
    'ada: change: /nodes/a down',
    'bob, who comes late: resync 1: /nodes/a down, /nodes/b up',
    'ada: change: /nodes/b is gone',
    'bob: change: /nodes/b is gone',
    'bob: change: /nodes/c up',
    'subscriptions to the source: 1, now closed',
  ]);
});
