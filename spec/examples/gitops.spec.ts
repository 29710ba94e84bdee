import { expect, it } from 'vitest';
import { run } from '../../examples/gitops/gitops.ts';

it('gitops: a bad commit takes nothing away, the rest of it is applied, and the next one heals', async () => {
  const lines: string[] = [];
  await run((line) => lines.push(line));
  expect(lines).toEqual([
    'resync: /interfaces/eth0 {"mtu":1500}, /interfaces/eth1 {"mtu":1500}, /routes/default {"via":"10.0.0.1"}',
    'change: /interfaces/eth0 {"mtu":9000}, /interfaces/eth1 {"mtu":9000}',
    expect.stringMatching(/^status: interfaces\.yaml:3:\d+: /),
    'change: /routes/default {"via":"10.0.0.254"}, /interfaces/eth0 stays {"mtu":9000}, /interfaces/eth1 stays {"mtu":9000}',
    'change: /interfaces/eth0 {"mtu":9000}, /interfaces/eth1 {"mtu":1500}',
    'status: all is well',
  ]);
});
