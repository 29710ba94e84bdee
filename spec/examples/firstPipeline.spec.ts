import { expect, it } from 'vitest';
import { run } from '../../examples/first-pipeline/firstPipeline.ts';

it('first-pipeline: the resync that fails is told again, the change that fails is reported to its writer', async () => {
  const lines: string[] = [];
  await run((line) => lines.push(line));
  expect(lines).toEqual([
    'resync (initial): /interfaces/eth0 1500 -> failed (the router is still booting)',
    'resync (nacked): /interfaces/eth0 1500, /interfaces/eth1 9000 -> applied',
    'change: /interfaces/eth0 1500 > 1400 -> applied',
    '  writer: router says applied',
    'change: /interfaces/eth0 1400 > 65536 -> failed (/interfaces/eth0: an MTU of 65536 is too large)',
    '  writer: router says failed (/interfaces/eth0: an MTU of 65536 is too large)',
    'change: /interfaces/eth0 65536 > 1300 -> applied',
    '  writer: router says applied',
    'change: /interfaces/eth1 is gone -> applied',
  ]);
});
