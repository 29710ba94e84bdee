import { execFile, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fchmodSync,
  ftruncateSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';

/** The ways in which it replaces files. */
export const modes = ['', '--inplace', '--delete-after', '--delay-updates'] as const;

export type Mode = (typeof modes)[number];

export type Rsync = (from: string, to: string, mode: Mode) => Promise<void>;

/** `rsync -a --checksum --delete`, which has to be installed. */
const program: Rsync = async (from, to, mode) => {
  const args = ['-a', '--checksum', '--delete', ...(mode === '' ? [] : [mode]), `${from}/`, `${to}/`];
  await promisify(execFile)('rsync', args);
};

/** What it asks of the system, in that order; with time for others between one file and the next. */
const systemCalls: Rsync = async (from, to, mode) => {
  const late: (() => void)[] = [];
  const waits = mode === '--delete-after' || mode === '--delay-updates';
  const directories = [''];
  for (const below of directories) {
    if (!existsSync(join(to, below))) mkdirSync(join(to, below));
    const keep = new Set(readdirSync(join(from, below)));
    for (const entry of readdirSync(join(to, below), { withFileTypes: true })) {
      if (keep.has(entry.name)) continue;
      const path = join(to, below, entry.name);
      if (waits) late.push(() => removeAll(path));
      else removeAll(path);
      await setImmediate();
    }
    for (const name of [...keep].sort()) if (isDirectory(join(from, below, name))) directories.push(join(below, name));
  }
  const updates: (() => void)[] = [];
  for (const below of directories) {
    for (const name of [...readdirSync(join(from, below))].sort()) {
      if (isDirectory(join(from, below, name))) continue;
      updates.push(...transfer(join(from, below, name), join(to, below, name), mode));
      await setImmediate();
    }
  }
  for (const update of [...updates, ...late]) {
    update();
    await setImmediate();
  }
};

/** Its system calls, and itself where there is one. */
export const rsyncs: readonly (readonly [name: string, rsync: Rsync])[] = [
  ['its system calls', systemCalls],
  ...(spawnSync('rsync', ['--version']).status === 0 ? [['the program', program] as const] : []),
];

/** @returns what is done at the end */
function transfer(from: string, to: string, mode: Mode): (() => void)[] {
  const bytes = readFileSync(from);
  if (existsSync(to) && readFileSync(to).equals(bytes)) return [];
  const { atime, mtime } = statSync(from);
  if (mode === '--inplace') {
    const file = openSync(to, existsSync(to) ? 'r+' : 'w', 0o600);
    writeSync(file, bytes, 0, bytes.length, 0);
    ftruncateSync(file, bytes.length);
    closeSync(file);
    utimesSync(to, atime, mtime);
    return [];
  }
  const temporary = join(dirname(to), `.${basename(to)}.Xa7Qc2`);
  const file = openSync(temporary, 'wx', 0o600);
  writeSync(file, bytes);
  fchmodSync(file, 0o644);
  futimesSync(file, atime, mtime);
  closeSync(file);
  if (mode !== '--delay-updates') {
    renameSync(temporary, to);
    return [];
  }
  const waiting = join(dirname(to), '.~tmp~');
  mkdirSync(waiting, { recursive: true });
  renameSync(temporary, join(waiting, basename(to)));
  const isLast = () => readdirSync(waiting).length === 0;
  return [() => renameSync(join(waiting, basename(to)), to), () => isLast() && rmdirSync(waiting)];
}

function removeAll(path: string): void {
  if (!isDirectory(path)) return unlinkSync(path);
  for (const name of readdirSync(path)) removeAll(join(path, name));
  rmdirSync(path);
}

function isDirectory(path: string): boolean {
  return statSync(path).isDirectory();
}
