import { describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';
import { parse } from './parse.ts';
import { violationsAt } from './without.ts';

function diagram(expression: string, result = '-R---b-|', more = '') {
  const text = `% A stale delete.

-R-a-b-|
title = source
${more}R := {x:1}@7
a := !x@6
b := x:2@8

> ${expression}

${result}
title = result
`;
  return parse(text, 'marbles/x.marble');
}

/** The message it fails with. */
function failure(...of: Parameters<typeof diagram>): string {
  try {
    evaluate(diagram(...of));
  } catch (error) {
    return (error as Error).message;
  }
  return expect.fail('the diagram is true');
}

describe('evaluate', () => {
  it('passes what is true', () => {
    expect(() => evaluate(diagram('filterByRevision()'))).not.toThrow();
  });

  it('fails with file, line, expression and the frames that differ', () => {
    expect(failure('filterByRevision()', '-R-a-b-|').split('\n')).toEqual([
      'marbles/x.marble:11: below > filterByRevision()',
      'the marbles differ at frame 3',
      '    frame  expected  actual',
      '        1  {x:1}@7   {x:1}@7',
      '✗       3  !x@6      nothing',
      '        5  x:2@8     x:2@8',
      '        7  |         |',
    ]);
  });

  it('fails when the source is subscribed otherwise than its row says', () => {
    expect(failure('filterByRevision()', '-R---b-|', 'subs = ^--!\n')).toContain('the subscriptions differ');
  });

  it.each([
    ['filterByRevison()', 'filterByRevison is not defined'],
    ['filterByRevision(', 'Unexpected token'],
    ['7', 'expected an operator, found number'],
  ])('refuses the expression %s', (expression, message) => {
    expect(failure(expression)).toContain(`marbles/x.marble:9: > ${expression}\n  ${message}`);
  });

  it('runs with a stage dropped, and says what breaks', () => {
    const filtered = diagram('filterByRevision()');
    const [stage] = filtered.stages;
    expect(violationsAt(filtered, stage!, false)).toEqual(new Map());
    expect([...violationsAt(filtered, stage!, true).keys()]).toEqual(['I9']);
  });
});
