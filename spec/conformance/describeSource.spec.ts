import { Observable } from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { fromMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryBroker } from '../../lib/backends/memory/memoryBroker.ts';
import { type MemoryStore, memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { play } from '../../lib/testing/conformance/play.ts';
import { scenarios } from '../../lib/testing/conformance/scenarios/index.ts';
import {
  type BrokerSubject,
  type ConformanceReport,
  type DeclareTest,
  describeBroker,
  describeSource,
} from '../../lib/testing/index.ts';
import { collect } from '../support/collect.ts';
import { handLoopSubject } from '../support/handLoopSubject.ts';
import { HandLoop } from '../support/knownBad/handLoop.ts';
import { memorySubject } from '../support/memorySubject.ts';

const memory = memorySubject('pinned');
const memoryOfBroker: BrokerSubject<MemoryStore> = {
  name: 'memory',
  capabilities: memoryBroker(memoryStore()).capabilities,
  open: () => memoryStore(),
  broker: (store, made) => memoryBroker(store, made),
};
const offered = scenarios.filter(({ needs = [] }) =>
  needs.every((need) => typeof (memory.faults as Record<string, unknown>)[need] !== 'string'),
);

describe('the scenarios of describeSource', () => {
  it.each(offered)('$name: judges what it is there for', async ({ keeps, waives, ...scenario }) => {
    const { inspection } = await play(memory, { keeps, ...scenario });
    expect(keeps.filter((invariant) => !inspection.checked.includes(invariant))).toEqual([]);
    expect(Object.keys(waives ?? {}).filter((invariant) => (keeps as readonly string[]).includes(invariant))).toEqual(
      [],
    );
  });

  it('play every fault that is a matter of one source; S16 needs a source that keeps a token', () => {
    const played = new Set(scenarios.flatMap(({ plays = [] }) => plays));
    const all = Array.from({ length: 25 }, (_, index) => `S${index + 1}` as const);
    expect(all.filter((id) => !played.has(id))).toEqual(['S14', 'S16', 'S18', 'S23']);
  });

  it('have names of their own', () => {
    const names = scenarios.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

describe('describeSource', () => {
  it('calls a runner as vitest, jest, mocha and node:test want it: a name, a function, and perhaps a time-out', () => {
    const calls: string[] = [];
    const called =
      (what: string) =>
      (...args: readonly unknown[]) => {
        calls.push(`${what}(${args.map((arg) => typeof arg).join(', ')})`);
        if (what === 'describe') (args[1] as () => void)();
      };
    describeSource(memory, { describe: called('describe'), it: Object.assign(called('it'), { skip: called('skip') }) });
    expect([...new Set(calls)].sort()).toEqual([
      'describe(string, function)',
      'it(string, function)',
      'it(string, function, number)',
      'skip(string, function)',
    ]);
    expect(calls).toHaveLength(scenarios.length + 2);
  });

  it('says with a runner that cannot skip what was skipped, in the name of a test that does nothing', () => {
    const names: string[] = [];
    const declare = (name: string) => names.push(name);
    describeSource(memory, { describe: (_, body) => body(), it: declare });
    expect(names).toHaveLength(scenarios.length + 1);
    expect(names.join('\n')).toContain('with its data (skipped: memory lives and ends with its process)');
  });

  it('leaves nothing out of its report', async () => {
    const reports: ConformanceReport[] = [];
    await collect((runner) => describeSource(memory, { ...runner, report: (report) => reports.push(report) }));
    expect(reports).toHaveLength(1);
    const { backend, version, invariants, skipped } = reports[0]!;
    expect([backend, version]).toEqual(['memory, pinned', 'in process']);
    const ids = [...invariants, ...skipped.map(({ invariant }) => invariant)];
    expect(ids.length).toBe(70);
    expect(new Set(ids).size).toBe(70);
    expect(skipped.map(({ invariant }) => invariant)).toEqual([
      'I26',
      'I30',
      'I36',
      'I37',
      'I38',
      'I41',
      'S1',
      'S14',
      'S16',
      'S18',
      'S23',
    ]);
    expect(skipped.filter(({ reason }) => reason === '')).toEqual([]);
    // No source stores a token, and a script that stored one itself would show nothing of it.
    const reasonOf = (id: string) => skipped.find(({ invariant }) => invariant === id)?.reason;
    expect([reasonOf('I26'), reasonOf('S16')]).toEqual([
      'no stored token was recorded (History.token)',
      expect.stringContaining('keeps no token'),
    ]);
  });

  it('fails with what was broken, and with everything that happened, in the notation', async () => {
    class Forgets extends HandLoop {
      override diff(...args: Parameters<HandLoop['diff']>): ReturnType<HandLoop['diff']> {
        return { ...super.diff(...args), removed: [] };
      }
    }
    const reports: ConformanceReport[] = [];
    const bad = { ...handLoopSubject({ Loop: Forgets }), patience: 20_000 };
    const all = await collect((runner) => describeSource(bad, { ...runner, report: (report) => reports.push(report) }));
    const failure = all.find(({ name }) => name.includes('the store comes back empty, and stays so'))?.failure;
    expect(failure).toMatch(/^I21 at step \d+: source: .*"?x"?.*$/m);
    expect(failure).toMatch(/^what happened:\n1 \+0 write \{\}@0\n2 \+0 write x:1,y:1@1\n/m);
    expect(failure).toMatch(/#1 \{x:1 y:1\}@1 #1$/m);
    // What was broken in one scenario is not called kept because of another.
    expect(reports[0]?.invariants).not.toContain('I21');
  });

  it('says how to go on where an adapter is not what it says it is', async () => {
    const firstFailure = async (subject: Parameters<typeof describeSource>[0]) => {
      const all = await collect(
        (runner) => describeSource({ ...subject, patience: 100 }, runner),
        () => true,
      );
      return all.at(-1)?.failure;
    };
    const given = memory as never as Parameters<typeof describeSource>[0];
    expect(await firstFailure({ ...given, open: async () => memory.open() })).toContain("set `time: 'real'`");
    expect(await firstFailure({ ...given, write: () => undefined })).toContain('returned no revision');
    const unseen = { ...memory, source: fromMemory } as never as typeof given;
    expect(await firstFailure(unseen)).toContain('`source` of the subject must put `stage.observed`');
  });

  it('fails in time where an adapter never comes to an end, and says at what', async () => {
    const never = new Promise<never>(() => undefined);
    const failureOf = async (more: Partial<typeof memory>) => {
      const subject = { ...memory, ...more, time: 'real' as const, patience: 50 };
      const all = await collect(
        (runner) => describeSource(subject, runner),
        () => true,
      );
      return all.at(-1)?.failure;
    };
    expect(await failureOf({ open: () => never })).toContain('open: not done after 50 ms');
    expect(await failureOf({ close: () => never })).toContain('close: not done after 50 ms');
    const unwritten = await failureOf({ write: () => never, close: () => never });
    expect(unwritten).toContain("the script stands still for 50 ms at 'write x:1': it is not done\nwhat happened:");
    const broker = { ...memoryOfBroker, open: () => never, patience: 50 };
    const all = await collect(
      (runner) => describeBroker(broker, runner),
      () => true,
    );
    expect(all.at(-1)?.failure).toBe('open: not done after 50 ms');
  });

  it('declares tests that return a Promise of nothing, whatever the report returns: jest takes no others', async () => {
    const returned: unknown[] = [];
    const it = (_: string, test: () => Promise<void>) => returned.push(test());
    const runner = { describe: (_: string, body: () => void) => body(), it, report: () => 'something' };
    describeSource({ ...memory, cannot: { frames: 'not here' } }, runner);
    describeBroker(memoryOfBroker, runner);
    expect(returned.filter((value) => !(value instanceof Promise))).toEqual([]);
    expect(new Set(await Promise.all(returned))).toEqual(new Set([undefined]));
  });

  it('takes `it` as the types of jest have it', () => {
    type Done = (...args: unknown[]) => unknown;
    type OfJest = (name: string, fn?: ((done: Done) => undefined) | (() => PromiseLike<unknown>)) => void;
    expectTypeOf<OfJest>().toExtend<DeclareTest>();
  });

  it('lets go of a source that is still waiting when virtual time is over', async () => {
    let open = 0;
    const waiting = new Observable<never>(() => {
      open++;
      return () => open--;
    });
    const subject = { ...memory, patience: 100, source: () => waiting };
    const all = await collect((runner) => describeSource(subject, runner));
    expect(all.filter(({ failure }) => failure?.includes('no resync yet')).length).toBeGreaterThan(10);
    expect(open).toBe(0);
  });
});
