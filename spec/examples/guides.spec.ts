import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeSource } from 'rx-datasync/testing';
import type { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Line, Notebook } from '../../examples/test-your-own-backend/notebook.ts';
import { subject } from '../../examples/test-your-own-backend/subject.ts';
import { collect } from '../support/collect.ts';
import { read, root } from '../support/imports.ts';

/** Runs a test file of an example under `node --test`; its output, and how many tests passed, failed and were skipped. */
async function nodeTest(file: string): Promise<{ output: string; counts: Record<string, number> }> {
  // Otherwise the child believes to be a part of this run.
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
  const args = ['--import', 'tsx', '--test', '--test-reporter=tap', file];
  const child = promisify(execFile)(process.execPath, args, { cwd: root, env, maxBuffer: 1e8 });
  const { stdout } = await child.catch((error: { stdout: string }) => error);
  const counts = [...stdout.matchAll(/^# (pass|fail|skipped) (\d+)$/gm)].map(([, word, count]) => [
    word,
    Number(count),
  ]);
  return { output: stdout, counts: Object.fromEntries(counts) as Record<string, number> };
}

describe('examples/test-your-pipeline', () => {
  it('passes under node:test', { timeout: 60_000 }, async () => {
    const { output, counts } = await nodeTest('examples/test-your-pipeline/applyTo.test.ts');
    expect(counts, output).toMatchObject({ pass: 3, fail: 0, skipped: 0 });
  });
});

describe('examples/test-your-own-backend', () => {
  it('passes under node:test, with what cannot be played declared as skipped', { timeout: 120_000 }, async () => {
    const { output, counts } = await nodeTest('examples/test-your-own-backend/notebook.test.ts');
    expect(counts, output).toMatchObject({ fail: 0 });
    expect(counts['pass']).toBeGreaterThan(50);
    expect(counts['skipped']).toBeGreaterThan(5);
    expect(output).toMatch(/I24: .*compacted.* \(skipped: a notebook forgets nothing\) # SKIP/);
    expect(output).toMatch(/shown: I1 I2 .* S3 /);
    expect(output).toMatch(/S6: a notebook forgets nothing/);
  });

  it('holds its broker to what all brokers do', { timeout: 60_000 }, async () => {
    const { output, counts } = await nodeTest('examples/test-your-own-backend/broker.test.ts');
    expect(counts, output).toMatchObject({ fail: 0 });
    expect(counts['pass']).toBeGreaterThan(12);
    expect(output).toMatch(/deletePrefix.* \(skipped: a notebook is not searched\) # SKIP/);
  });

  it('fails where the watch begins at the present, as its page says', { timeout: 60_000 }, async () => {
    class Forgetful extends Notebook {
      #last = 0;

      override write(values: Line['values']): number {
        this.#last = super.write(values);
        return this.#last;
      }

      override watch(): Observable<Line> {
        return super.watch(this.#last);
      }
    }
    const bad = { ...subject, open: () => new Forgetful(), patience: 300 };
    const all = await collect(
      (runner) => describeSource(bad, runner),
      (failure) => /^I10 at step/m.test(failure),
    );
    expect(all.at(-1)?.failure).toMatch(/^I10 at step \d+: source: .*[\s\S]*^what happened:\n1 \+0 write \{\}@0\n/m);
  });
});

describe('the code that the guides show', () => {
  const guides = ['examples/test-your-pipeline', 'examples/test-your-own-backend', 'examples/filedb'];
  const plain = (text: string) => text.replace(/^ +/gm, '').trim();

  it.each(guides)('of %s stands in its files', (folder) => {
    const files = readdirSync(join(root, folder)).filter((file) => file.endsWith('.ts'));
    const code = files.map((file) => plain(read(join(folder, file)))).join('\n');
    const blocks = [...read(`${folder}/README.md`).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => plain(text!));
    expect(blocks.length).toBeGreaterThan(1);
    expect(blocks.filter((block) => !code.includes(block))).toEqual([]);
  });

  it.each([
    ...guides,
    'examples/edit-and-see',
    'examples/etcd',
    'examples/datasync-demo',
    'examples/redis-simple',
    'examples/airport',
  ])('of %s has links to what is there', (folder) => {
    const links = [...read(`${folder}/README.md`).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, path]) =>
      join(root, folder, path!),
    );
    expect(links.length).toBeGreaterThan(1);
    expect(links.filter((path) => !existsSync(path))).toEqual([]);
  });
});
