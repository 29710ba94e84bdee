import { expect, it } from 'vitest';
import { run } from '../../examples/gitops/gitops.ts';
import { read } from '../support/imports.ts';

it('gitops: a bad commit takes nothing away, the rest of it is applied, and the next one heals', async () => {
  const lines: string[] = [];
  await run((line) => lines.push(line));
  const shown = /^```\n(resync.*?)\n```/ms.exec(read('examples/gitops/README.md'))?.[1];
  expect(lines).toEqual(shown?.split('\n'));
  expect(lines).toContainEqual(expect.stringMatching(/^status: interfaces\.yaml:3:\d+: /));
});
