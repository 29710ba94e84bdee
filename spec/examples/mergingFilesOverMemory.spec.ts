import { expect, it } from 'vitest';
import { run } from '../../examples/merging-files-over-memory/mergingFilesOverMemory.ts';

it('merging-files-over-memory: files win over memory, whose value reappears when the file goes', async () => {
  const lines: string[] = [];
  await run((line) => lines.push(line));
  expect(lines).toEqual([
    'resync: /nodes/a 9000 (files), /nodes/b 1500 (memory)',
    'change: /nodes/b 1400 (memory)',
    'change: /nodes/b 9001 (files)',
    'change: /nodes/a 1400 (memory), /nodes/b 1400 (memory)',
  ]);
});
