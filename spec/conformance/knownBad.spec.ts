import { describe, expect, it } from 'vitest';
import { describeSource } from '../../lib/testing/index.ts';
import { collect } from '../support/collect.ts';
import { handLoopSubject } from '../support/handLoopSubject.ts';
import { knownBad } from '../support/knownBad/index.ts';

const sources = knownBad.flatMap(({ adapter, ...bad }) => (adapter === undefined ? [] : [{ ...bad, adapter }]));

it('the source by hand passes the suite: what fails below fails for its defect', { timeout: 60_000 }, async () => {
  const all = await collect((runner) => describeSource(handLoopSubject(), runner));
  expect(all.filter(({ failure }) => failure !== undefined && failure !== 'skipped')).toEqual([]);
});

it('there are more than thirty that are broken', () => expect(sources.length).toBeGreaterThan(30));

describe.each(sources)('$name', ({ adapter, breaks: [first] }) => {
  it(`fails by the name of ${first}`, { timeout: 60_000 }, async () => {
    const isNamed = (failure: string | undefined) => new RegExp(`^${first} at step`, 'm').test(failure ?? '');
    const all = await collect(
      (runner) => describeSource({ ...handLoopSubject(adapter), patience: 20_000 }, runner),
      isNamed,
    );
    expect(isNamed(all.at(-1)?.failure), all.map(({ failure }) => failure?.split('\n')[0]).join('\n')).toBe(true);
  });
});
