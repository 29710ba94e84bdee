import type { TestRunner } from '../../lib/testing/index.ts';

/** What became of one test of a suite. */
export interface Collected {
  readonly name: string;
  /** `undefined`: it passed; `skipped`: it was declared so. */
  readonly failure: string | undefined | 'skipped';
}

/**
 * A test runner that runs nothing by itself: a suite is declared, and its tests are run and looked at.
 *
 * @param isEnough stops after a failure
 */
export async function collect(
  declare: (runner: TestRunner) => void,
  isEnough: (failure: string) => boolean = () => false,
): Promise<Collected[]> {
  const tests: { name: string; test: () => void | Promise<void> }[] = [];
  const skipped: string[] = [];
  const it = Object.assign((name: string, test: () => void | Promise<void>) => tests.push({ name, test }), {
    skip: (name: string) => skipped.push(name),
  });
  declare({ describe: (_, body) => body(), it });
  const all: Collected[] = skipped.map((name) => ({ name, failure: 'skipped' }));
  for (const { name, test } of tests) {
    try {
      await test();
      all.push({ name, failure: undefined });
    } catch (error) {
      const { message } = error as Error;
      all.push({ name, failure: message });
      if (isEnough(message)) return all;
    }
  }
  return all;
}
