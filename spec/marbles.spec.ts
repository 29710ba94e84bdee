import { describe, expect, it } from 'vitest';
import { evaluate } from './marbles/evaluate.ts';
import { generated, marblesFiles, parseFile, readMarbles } from './marbles/files.ts';
import { rowsOf } from './marbles/layout.ts';
import { violationsAt } from './marbles/without.ts';

const files = marblesFiles('.marble');

const instead: Readonly<Record<string, string>> = {
  ackWithCallback: 'concatMap(work)',
  orderedResync: 'ackWithCallback(all at once)',
};

describe.each(files)('marbles/%s', (file) => {
  const diagram = parseFile(file);

  it('is true', () => evaluate(diagram));

  for (const stage of diagram.stages.filter(({ without }) => without.length > 0)) {
    const name = stage.expression.split('(')[0]!;
    const dropped = instead[name] ?? 'nothing';
    it(`with ${dropped} for ${name} breaks ${stage.without.join(' and ')}, and nothing else`, () => {
      expect(violationsAt(diagram, stage, false)).toEqual(new Map());
      const broken = [...violationsAt(diagram, stage, true).keys()];
      expect(broken.sort()).toEqual([...stage.without].sort());
    });
  }

  it('is drawn with all its marbles', () => {
    const drawn = readMarbles(`${diagram.name}.svg`).match(/class="marble"/g) ?? [];
    const written = rowsOf(diagram).flatMap(({ marbles }) => marbles);
    expect(written.length).toBeGreaterThan(0);
    expect(drawn).toHaveLength(written.length);
  });
});

describe('marbles/', () => {
  it.each([...generated()])('%s is what the diagrams say now (npm run marbles)', (name, text) => {
    expect(marblesFiles(name), 'it is missing').toEqual([name]);
    // Not `toBe(text)`: the difference of two pictures helps nobody.
    expect(readMarbles(name) === text, 'it is stale').toBe(true);
  });

  it('has no picture without a diagram', () => {
    expect(marblesFiles('.svg')).toEqual(files.map((file) => file.replace(/\.marble$/, '.svg')));
  });
});
