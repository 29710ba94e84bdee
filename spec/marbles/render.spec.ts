import { describe, expect, it } from 'vitest';
import { marblesFiles, parseFile } from './files.ts';
import { size, textWidth } from './layout.ts';
import { type Diagram, parse } from './parse.ts';
import { render } from './render.ts';

function diagram(row: string, definitions: string, expression = 'op()') {
  return parse(
    `% <Prose> & "more".\n\n${row}\ntitle = source\n${definitions}\n\n> ${expression}\n\n${row}\ntitle = result\n`,
    'x.marble',
  );
}

describe('render', () => {
  it('gives the same text each time, well-formed', () => {
    const svg = render(diagram('-a-|', 'a := x:1@1'));
    expect(render(diagram('-a-|', 'a := x:1@1'))).toBe(svg);
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" .*>\n<title>x: &#60;Prose&#62; &#38; &#34;more&#34;.<\/title>/,
    );
    const open: string[] = [];
    for (const [, close, name, self] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
      if (close) expect(open.pop()).toBe(name);
      else if (!self) open.push(name!);
    }
    expect(open).toEqual([]);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('follows the colour scheme of the reader', () => {
    expect(render(diagram('-a-|', 'a := x:1@1'))).toContain('@media (prefers-color-scheme:dark)');
  });

  it('moves what is too long into a list, so that labels neither touch nor leave the picture', () => {
    const long = `{${'abcd'
      .split('')
      .map((key) => `${key}:value`)
      .join(' ')}}@7`;
    const svg = render(diagram('-a-b-|', `a := ${long} reconnected\nb := x:1@8`));
    expect(svg).toContain(`>a = ${long} reconnected<`);
    expect(svg).toContain('>@7 reconnected<');
    expect(svg).not.toContain(`>${long.slice(0, -2)}<`);
  });

  it.each<[string, Diagram]>([
    ['a crowd', diagram('aabaab(aab)|', 'a := somekey:somevalue@1000\nb := {x:1 y:2 z:3}@1001 reconnected')],
    ['outcomes', diagram('ababab|', 'a := x:1@1 superseded\nb := {x:1}@1 inconsistent failed "no route"')],
    ['one marble', diagram('a', `a := ${'k'.repeat(90)}:1@1`, 'f('.padEnd(200, 'x'))],
    ...marblesFiles('.marble').map((name) => [name, parseFile(name)] as [string, Diagram]),
  ])('keeps texts apart and inside: %s', (_, given) => {
    const svg = render(given);
    const width = Number(/width="(\d+)"/.exec(svg)?.[1]);
    const lines = new Map<string, { left: number; right: number }[]>();
    for (const [, x, y, classes, escaped] of svg.matchAll(
      /^.*?<text x="(.+?)" y="(.+?)" class="(.+?)">(.+?)<\/text>/gm,
    )) {
      const text = escaped!.replace(/&#\d+;/g, '.');
      const wide = textWidth(text, /code|title/.test(classes!) ? size.code : size.label);
      const left = Number(x) - (/start|title/.test(classes!) ? 0 : wide / 2);
      lines.set(y!, [...(lines.get(y!) ?? []), { left, right: left + wide }]);
    }
    expect(lines.size).toBeGreaterThan(3);
    for (const line of lines.values()) {
      line.sort((a, b) => a.left - b.left);
      for (const [i, { left, right }] of line.entries()) {
        expect(left).toBeGreaterThan(0);
        expect(right).toBeLessThan(Math.min(width, line[i + 1]?.left ?? width));
      }
    }
  });

  it('cuts a long time short, and says how long it is', () => {
    const svg = render(diagram('a 90s b|', 'a := x:1@1\nb := x:2@2'));
    expect(svg).toContain('>90s<');
    expect(Number(/width="(\d+)"/.exec(svg)?.[1])).toBeLessThan(600);
  });

  it('marks transactions, coalesced and rejected ones, states, signals and outcomes', () => {
    const all = 'a := x:1,!y@1\nb := ~x:1@2\nc := x:?@3\nd := {x:1}\ne := x:1@4 timedOut\nf := {x:1 y:?}@5';
    const svg = render(diagram('a-b-c-d-e-f-1#', all));
    for (const name of ['put', 'delete', 'one transaction', 'coalesced', 'rejected', 'state', 'signal', 'snapshot']) {
      expect(svg).toContain(`>${name}<`);
    }
    expect(svg).toContain('>timedOut<');
    expect(svg).toContain('># = error<');
  });
});
