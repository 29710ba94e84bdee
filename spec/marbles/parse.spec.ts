import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { marblesFiles, parseFile } from './files.ts';
import { rowsOf } from './layout.ts';
import { parse } from './parse.ts';

const file = 'marbles/x.marble';

const text = `% Prose of
% two lines.

-R-a(bc)-|
title = source
subs = ^--------!
R := {x:1}@7
a := x:2@8
b := x:3@9
c := !x@10

% More.

1 10ms 2#
title = signal
# := no route

> first(
>   signal)
without = I9, I12

-R---|
title = middle

> second()

-a-
title = result
unsub = ^-!
a := {x:1}
`;

describe('parse', () => {
  it('gives rows, definitions from above and their own, stages and prose', () => {
    const diagram = parse(text, file);
    expect(diagram).toMatchObject({
      name: 'x',
      caption: ['Prose of two lines.', 'More.'],
      inputs: [
        {
          title: 'source',
          line: 4,
          length: 10,
          subs: '^--------!',
          error: 'error',
          end: { kind: 'complete', frame: 9 },
        },
        { title: 'signal', error: 'no route', end: { kind: 'error', frame: 12 }, subs: undefined },
      ],
      stages: [
        {
          line: 18,
          expression: 'first(\n  signal)',
          without: ['I9', 'I12'],
          result: { title: 'middle', values: { a: 'x:2@8' } },
        },
        {
          line: 25,
          expression: 'second()',
          without: [],
          result: { title: 'result', values: { a: '{x:1}', b: 'x:3@9' }, unsub: '^-!' },
        },
      ],
    });
    expect(diagram.inputs[0].marbles.map(({ letter, frame, inGroup }) => [letter, frame, inGroup])).toEqual([
      ['R', 1, 0],
      ['a', 3, 0],
      ['b', 4, 0],
      ['c', 4, 1],
    ]);
    expect(diagram.inputs[1]?.marbles.map(({ letter, frame }) => [letter, frame])).toEqual([
      ['1', 0],
      ['2', 11],
    ]);
  });

  it.each(marblesFiles('.marble'))('sees the same moments as rxjs: %s', (name) => {
    new TestScheduler(() => undefined).run(() => {
      for (const { text: marbles, marbles: ours, end } of rowsOf(parseFile(name))) {
        const theirs = TestScheduler.parseMarbles(marbles, undefined, undefined, false, true);
        expect([...ours, ...(end ? [end] : [])].map(({ frame }) => frame)).toEqual(theirs.map(({ frame }) => frame));
      }
    });
  });
});

const minimal = ['% Prose.', '', '-a-|', 'title = source', 'a := x:1@1', '', '> op()', '', '-a-|', 'title = result'];

/** The minimal file with some lines replaced; lines count from 1. */
function changed(lines: Readonly<Record<number, string>>): string {
  return minimal.map((line, index) => lines[index + 1] ?? line).join('\n');
}

describe('parse of a wrong file', () => {
  it('has nothing against the file that the others are made of', () => {
    expect(() => parse(changed({}), file)).not.toThrow();
  });

  it.each([
    ['no prose', changed({ 1: '' }), 10, 1, "expected a line of prose that starts with '%'"],
    ['an empty file', '', 1, 1, "expected a line of prose that starts with '%'"],
    ['only prose', '% Prose.', 1, 1, 'expected a row of marbles that goes in'],
    ['no stage', '% Prose.\n\n---\ntitle = a', 4, 1, "expected an expression that starts with '>'"],
    ['prose that runs into a row', changed({ 2: '---' }), 2, 1, "expected '%', or an empty line after the prose"],
    ['a row without a title', changed({ 4: 'subs = ^-' }), 3, 1, "expected 'title = …' under the row"],
    [
      'a title that is no name',
      changed({ 4: 'title = my source' }),
      4,
      9,
      "expected a name as in JavaScript, found 'my source': other rows refer to it",
    ],
    ['a title twice', changed({ 10: 'title = source' }), 10, 9, "another row has the title 'source'"],
    ['an unknown option', changed({ 4: 'titel = source' }), 4, 1, "expected one of title, subs, found 'titel'"],
    [
      'an option of another row',
      changed({ 10: 'title = result\nsubs = ^-!' }),
      11,
      1,
      "expected one of title, unsub, found 'subs'",
    ],
    ['an option twice', changed({ 4: 'title = source\ntitle = b' }), 5, 1, "'title' is there already"],
    ['an option without a value', changed({ 4: 'title =' }), 4, 8, 'expected a value'],
    ['a line that is nothing', changed({ 4: 'title source' }), 4, 1, "expected 'key = value' or 'X := text'"],
    [
      'an odd subscription',
      changed({ 4: 'title = source\nsubs = ^-|' }),
      5,
      8,
      "expected marbles such as ^---!, found '^-|'",
    ],
    [
      'an odd invariant',
      changed({ 7: '> op()\nwithout = J30' }),
      8,
      11,
      "expected invariants such as I9 I12, found 'J30'",
    ],
    ['an expression that is missing', changed({ 7: '>' }), 7, 2, 'expected an expression'],
    [
      'a result that is missing',
      changed({ 9: '> op()', 10: '' }),
      9,
      1,
      'expected a row with what comes out of the expression',
    ],
    ['a result too many', `${changed({})}\n\n---\ntitle = more`, 12, 1, "expected '>' before a second row of results"],
    [
      'unsub in the middle',
      `${changed({ 10: 'title = result\nunsub = ^-!' })}\n\n> op()\n\n---\ntitle = more`,
      9,
      1,
      "expected 'unsub' under the last row only",
    ],
    [
      'a letter without a value',
      changed({ 9: '-ab|' }),
      9,
      3,
      "'b' has no value: expected 'b := …' under this row or above",
    ],
    ['a value for a digit', changed({ 5: '1 := x:1@1' }), 5, 1, "expected one letter or '#' before ':=', found '1'"],
    [
      'a value nobody uses',
      changed({ 5: 'a := x:1@1\nb := x:1@1' }),
      6,
      1,
      "'b' is defined but occurs in no row from here on",
    ],
    [
      'a value replaced unused',
      changed({ 5: 'a := x:1@1\nb := x:1@1\nb := x:1@2' }),
      6,
      1,
      "'b' is defined but occurs in no row before line 7",
    ],
    ['a wrong text', changed({ 5: 'a := {x:1 y}@7' }), 5, 12, "expected ':', found '}'"],
    ['a space in a row', changed({ 3: '- a-|' }), 3, 2, "expected '-': a space stands only around a time such as 10ms"],
    ['a bracket that stays open', changed({ 3: '-(aa' }), 3, 5, "expected ')' for the '(' of column 2"],
    ['a bracket too many', changed({ 3: '-a)-' }), 3, 3, "expected '(' before ')'"],
    ['a bracket in a bracket', changed({ 3: '-((a))' }), 3, 3, "expected ')' before another '('"],
    ['time in a bracket', changed({ 3: '(a-a)' }), 3, 3, "expected a letter, a digit or one of - ( ) | #, found '-'"],
    ['marbles after the end', changed({ 3: '-a|a' }), 3, 4, 'expected nothing after the end of the stream'],
    ['an odd character', changed({ 3: '-a-^' }), 3, 4, "expected a letter, a digit or one of - ( ) | #, found '^'"],
    ['a time at the end', changed({ 3: '10ms' }), 3, 5, 'expected a space and something more after 10ms'],
  ])('%s', (_, wrong, line, column, message) => {
    expect(() => parse(wrong, file)).toThrow(
      expect.objectContaining({ line, column, message: `${file}:${line}:${column}: ${message}` }),
    );
  });
});
