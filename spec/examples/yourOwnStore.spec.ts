import { expect, it } from 'vitest';
import { run } from '../../examples/your-own-store/yourOwnStore.ts';

it('your-own-store: both ways tell the same, whatever races the list', async () => {
  const lines: string[] = [];
  await run((line) => lines.push(line));
  const told = (name: string): string[] =>
    lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length + 2));
  const expected = [
    'resync @5: milk 1, tea 3', //
    'change @6: milk 1 > 2',
    'change @7: tea 3 > gone',
  ];
  expect(told('fromBackend')).toEqual(expected);
  expect(told('by hand')).toEqual(expected);
  expect(lines).toHaveLength(6);
});
