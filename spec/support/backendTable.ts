import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import type { BackendRecord } from './recordBackend.ts';

/** The vitest reporter behind `recordBackend`: prints the table at the end of a run and applies `DATASYNC_REQUIRE`. */
export default class BackendTable implements Reporter {
  private vitest: Vitest | undefined;
  private readonly directory: string = mkdtempSync(join(tmpdir(), 'rx-datasync-'));

  constructor() {
    process.once('exit', () => rmSync(this.directory, { recursive: true, force: true }));
  }

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
    vitest.provide('backendRecords', this.directory);
  }

  onTestRunStart(): void {
    for (const file of readdirSync(this.directory)) rmSync(join(this.directory, file)); // watch mode: the last run's
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const suites = modules
      .filter(({ project }) => project.name === 'servers')
      .map((module) => ({ suite: dirname(module.relativeModuleId), milliseconds: module.diagnostic().duration }));
    if (suites.length > 0) this.vitest?.logger.log(`\n${formatMinutes(suites)}`);
    const records = readdirSync(this.directory).map(
      (file) => JSON.parse(readFileSync(join(this.directory, file), 'utf8')) as BackendRecord,
    );
    const rows = mergeRecords(records);
    this.vitest?.logger.log(`\n${formatTable(rows)}\n`);
    for (const violation of requireViolations(rows, process.env['DATASYNC_REQUIRE'])) {
      this.vitest?.logger.error(violation);
      process.exitCode = 1;
    }
  }
}

/** How long the specs on real servers took, by folder. */
export function formatMinutes(files: readonly { readonly suite: string; readonly milliseconds: number }[]): string {
  const sums = new Map<string, number>();
  for (const { suite, milliseconds } of files) sums.set(suite, (sums.get(suite) ?? 0) + milliseconds);
  const minutes = (milliseconds: number) => (milliseconds / 60_000).toFixed(1);
  const each = [...sums].sort(([a], [b]) => natural(a, b)).map(([suite, time]) => `${suite} ${minutes(time)}`);
  const all = [...sums.values()].reduce((a, b) => a + b, 0);
  return `real servers: ${minutes(all)} minutes, which should stay below 30 (${each.join(', ')})`;
}

/** One row per backend and version. What ran anywhere has run; what ran nowhere keeps every reason given for it. */
export function mergeRecords(records: readonly BackendRecord[]): BackendRecord[] {
  const groups = new Map<string, BackendRecord[]>();
  for (const record of records) {
    const id = JSON.stringify([record.backend, record.version]);
    groups.set(id, [...(groups.get(id) ?? []), record]);
  }
  return [...groups.values()]
    .map(mergeGroup)
    .sort((a, b) => natural(a.backend, b.backend) || natural(a.version, b.version));
}

function mergeGroup(group: readonly BackendRecord[]): BackendRecord {
  const [{ backend, version }] = group as [BackendRecord];
  const invariants = [...new Set(group.flatMap((record) => record.invariants))].sort(natural);
  const reasons = new Map<string, Set<string>>();
  for (const { invariant, reason } of group.flatMap((record) => record.skipped)) {
    if (!invariants.includes(invariant)) reasons.set(invariant, (reasons.get(invariant) ?? new Set()).add(reason));
  }
  const skipped = [...reasons]
    .map(([invariant, given]) => ({ invariant, reason: [...given].sort(natural).join('; ') }))
    .sort((a, b) => natural(a.invariant, b.invariant));
  const missing = [...new Set(group.flatMap((record) => record.missing ?? []))].join('; ');
  return { backend, version, invariants, skipped, ...(missing !== '' && { missing }) };
}

const legend =
  'invariants run: promises I1 to I45 (lib/testing/validate.ts) that recorded runs were judged by; skipped: those that were not, and why';

/** The table as text, below a line that says what it shows; what is skipped for one reason shares a line. */
export function formatTable(rows: readonly BackendRecord[]): string {
  if (rows.length === 0) return 'No backend was recorded in this run.';
  const lines = [['backend', 'server version', 'invariants run', 'skipped']];
  for (const row of rows) {
    const run = row.missing === undefined ? `${row.invariants.length}: ${ranges(row.invariants)}` : 'none';
    const skipped = byReason(row.skipped);
    if (row.missing !== undefined) skipped.unshift(`not started: ${row.missing}`);
    lines.push([row.backend, row.version, run, skipped[0] ?? '-']);
    for (const more of skipped.slice(1)) lines.push(['', '', '', more]);
  }
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const texts = lines.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [legend, ...texts].join('\n');
}

/** `I1 I3–I5: reason`, in the order in which the reasons come first. */
function byReason(skipped: BackendRecord['skipped']): string[] {
  const groups = new Map<string, string[]>();
  for (const { invariant, reason } of skipped) groups.set(reason, [...(groups.get(reason) ?? []), invariant]);
  return [...groups].map(([reason, names]) => `${names.every(isId) ? ranges(names) : names.join(', ')}: ${reason}`);
}

/** `I7`, `S19`; others are words. */
function isId(name: string): boolean {
  return /^[A-Z]\d+$/.test(name);
}

/** Why the run must fail, one line each. The only value of `DATASYNC_REQUIRE` is `all`. */
export function requireViolations(rows: readonly BackendRecord[], require: string | undefined): string[] {
  if (require === undefined || require === '') return [];
  if (require !== 'all') return [`DATASYNC_REQUIRE is '${require}'; the only value it knows is 'all'`];
  if (rows.length === 0) return ['DATASYNC_REQUIRE=all, but no spec recorded a backend'];
  return rows.flatMap(({ backend, missing }) =>
    missing === undefined ? [] : [`DATASYNC_REQUIRE=all, but backend '${backend}' could not be started: ${missing}`],
  );
}

/** `['I1', 'I2', 'I3', 'I7']` as `I1–I3 I7`. */
function ranges(names: readonly string[]): string {
  const runs: string[][] = [];
  for (const name of names) {
    const run = runs.at(-1);
    if (run !== undefined && next(run.at(-1) ?? '') === name) run.push(name);
    else runs.push([name]);
  }
  return runs.map((run) => (run.length > 2 ? `${run[0]}–${run.at(-1)}` : run.join(' '))).join(' ');
}

function next(name: string): string | undefined {
  const [, letters, digits] = /^(\D+)(\d+)$/.exec(name) ?? [];
  return digits === undefined ? undefined : `${letters}${Number(digits) + 1}`;
}

function natural(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
