import { asyncScheduler } from 'rxjs';
import { DatasyncError } from '../../model/errors.ts';
import type { ShrinkConfig } from './config.ts';
import type { FileState } from './fileState.ts';
import type { Entries } from './parse.ts';
import type { Files, Scanned } from './scan.ts';

/** Milliseconds between two looks at least, whatever is due. */
const shortest = 50;

/** A loss that was seen and is not believed yet. */
interface Suspect {
  /** What the file is now; `undefined`: gone. */
  readonly state: FileState | undefined;
  readonly since: number;
}

/** Puts back what seems lost, until it has been seen lost for long enough. One per connection. */
export class ShrinkGuard {
  readonly #share: number;
  readonly #confirm: number;
  /** What was let through; of what is held, what it was before. */
  #accepted: Files | undefined;
  #suspects: ReadonlyMap<string, Suspect> = new Map();

  constructor({ share, confirm }: Required<ShrinkConfig>) {
    this.#share = share;
    this.#confirm = confirm;
  }

  /** Milliseconds after which another look may settle something. */
  get due(): number {
    const now = asyncScheduler.now();
    const left = [...this.#suspects.values()].map(({ since }) => since + this.#confirm - now);
    return Math.max(shortest, Math.min(Infinity, ...left));
  }

  /** The same scan, with the old states of what lost too much, and a problem for each. */
  check(scanned: Scanned): Scanned {
    if (scanned.waiting) return scanned;
    const { files } = scanned;
    const before = this.#accepted;
    const losses = before === undefined ? [] : lossesOf(before, files);
    const now = asyncScheduler.now();
    const suspects = new Map<string, Suspect>();
    for (const { path } of this.#tooLarge(losses, before)) {
      const state = files.get(path);
      const known = this.#suspects.get(path);
      const suspect = known !== undefined && known.state === state ? known : { state, since: now };
      if (now - suspect.since < this.#confirm) suspects.set(path, suspect);
    }
    this.#suspects = suspects;
    if (suspects.size === 0) {
      this.#accepted = files;
      return scanned;
    }

    const accepted = new Map(files);
    const told = new Map(files);
    const problems = [...scanned.problems];
    for (const { path, lost } of losses) {
      if (!suspects.has(path)) continue;
      const old = before!.get(path)!;
      accepted.set(path, old);
      // What has moved to another file is not kept here too.
      const own = files.get(path)?.entries;
      const kept = [...old.entries!].filter(([key]) => lost.has(key) || own?.has(key) === true);
      told.set(path, { ...old, entries: new Map(kept) });
      problems.push(this.#problem(path, lost.size, old.entries!.size));
    }
    this.#accepted = accepted;
    return { ...scanned, files: told, problems };
  }

  /** Those of the losses that are not believed. */
  #tooLarge(losses: readonly Loss[], before: Files | undefined): readonly Loss[] {
    let all = 0;
    for (const { entries } of before?.values() ?? []) all += entries?.size ?? 0;
    const gone = losses.filter((loss) => loss.gone);
    const lostWithThem = gone.reduce((sum, { lost }) => sum + lost.size, 0);
    return losses.filter((loss) =>
      loss.gone ? lostWithThem > this.#share * all : loss.lost.size > this.#share * loss.of,
    );
  }

  #problem(path: string, lost: number, of: number): DatasyncError {
    const until = this.#confirm === Infinity ? 'a resync is asked for' : `it has been so for ${this.#confirm} ms`;
    const message = `${path} has lost ${lost} of its ${of} keys at once; they stay until ${until}`;
    return new DatasyncError('SHRUNK', message, { backend: 'files', file: path });
  }
}

/** What one file lost. */
interface Loss {
  readonly path: string;
  /** Keys that no file has any more. */
  readonly lost: ReadonlySet<string>;
  readonly of: number;
  readonly gone: boolean;
}

function lossesOf(before: Files, after: Files): Loss[] {
  const shrunk: { path: string; old: Entries; missing: string[]; gone: boolean }[] = [];
  for (const [path, { entries: old }] of before) {
    const entries = after.get(path)?.entries;
    if (old === undefined || entries === old) continue;
    const missing = [...old.keys()].filter((key) => entries?.has(key) !== true);
    if (missing.length > 0) shrunk.push({ path, old, missing, gone: !after.has(path) });
  }
  if (shrunk.length === 0) return [];
  const there = new Set<string>();
  for (const { entries } of after.values()) for (const key of entries?.keys() ?? []) there.add(key);
  return shrunk
    .map(({ path, old, missing, gone }) => ({
      path,
      lost: new Set(missing.filter((key) => !there.has(key))),
      of: old.size,
      gone,
    }))
    .filter(({ lost }) => lost.size > 0);
}
