import { watch } from 'chokidar';
import { expect, it } from 'vitest';
import { chokidar } from '../../support/chokidar.ts';

it('runs with the chokidar that the report names', async () => {
  const { watch: named } = (await import(chokidar.name)) as { watch: unknown };
  expect(watch).toBe(named);
  expect(chokidar.version).toMatch(chokidar.name === 'chokidar-4' ? /^4\./ : /^5\./);
});
