import { DatasyncError } from '../../model/errors.ts';
import type { Frame, RawEntry } from '../../source/frames.ts';
import { isUnder } from '../../source/prefixes.ts';
import type { Clashes } from './clashes.ts';
import { HeldKeys } from './heldKeys.ts';
import type { Files, Scanned } from './scan.ts';
import { changesBetween, entriesOf, sameError, type View } from './view.ts';

/** Entries per page: small enough that no single one holds up the event loop. */
const pageSize = 1_000;

/** Turns the scans of one connection into frames: a snapshot first, then what changed. */
export class Teller {
  /** Missing: all keys are wanted. */
  readonly #wants: ((key: string) => boolean) | undefined;
  readonly #clashes: Clashes;
  readonly #isFirst: boolean;
  readonly #held = new HeldKeys();
  #files: Files = new Map();
  /** What was told; missing before the first snapshot. */
  #view: View | undefined;
  /** Whether a snapshot was told that nothing was missing from. */
  #complete = false;
  #stale: DatasyncError | undefined;

  /**
   * @param instancePrefix keys that start otherwise are meant for others
   * @param isFirst nothing was told on an earlier connection
   */
  constructor(prefixes: readonly string[], instancePrefix: string, clashes: Clashes, isFirst: boolean) {
    this.#isFirst = isFirst;
    const all = instancePrefix === '' && prefixes.includes('');
    this.#wants = all ? undefined : (key) => key.startsWith(instancePrefix) && isUnder(key, prefixes);
    this.#clashes = clashes;
  }

  /** Whether there was a snapshot. */
  get hasTold(): boolean {
    return this.#view !== undefined;
  }

  /** Whether something is held back until it is known what a file says. */
  get isHolding(): boolean {
    return this.#held.size > 0 || (this.hasTold && !this.#complete);
  }

  /**
   * The frames of one scan.
   *
   * @param trouble what else makes the subscription stale
   */
  async frames(scanned: Scanned, trouble: DatasyncError | undefined, signal: AbortSignal): Promise<Frame<never>[]> {
    const data = await this.#data(scanned, signal);
    const stale = summary([...scanned.problems, ...this.#held.problems, ...(trouble === undefined ? [] : [trouble])]);
    // Stale before the data that is, healed after the data that heals. A connection before this one may have left it stale.
    const news = !sameError(stale, this.#stale) || (stale === undefined && data.at(-1)?.type === 'snapshot');
    this.#stale = stale;
    if (!news) return data;
    return stale === undefined ? [...data, { type: 'progress', stale: null }] : [{ type: 'progress', stale }, ...data];
  }

  async #data(scanned: Scanned, signal: AbortSignal): Promise<Frame<never>[]> {
    const { files, problems, hidden, waiting, busy } = scanned;
    const before = this.#view;
    // What is being written all the time may have keys that nobody has seen yet.
    const healthy = problems.length === 0 && busy === undefined;
    // Nor is what was told on an earlier connection and is not seen now gone, as long as some file is being written.
    const complete = healthy && (this.#isFirst || hidden.size === 0);
    if (waiting) return [];
    this.#held.look(scanned);
    if (this.#complete && this.#held.size === 0 && sameFiles(this.#files, files)) return [];
    const { entries: found, clashes } = entriesOf(files, this.#wants);
    const entries = await this.#held.keep(before?.entries, found, files, signal);
    const after: View = { entries, refused: await this.#clashes.refused(clashes, files, signal) };
    // Nothing to see and something amiss: that must not look as if there were nothing.
    if (before === undefined && entries.size === 0 && !healthy) return [];
    this.#files = files;
    this.#view = after;
    if (before !== undefined && (this.#complete || !complete)) {
      const changes = changesBetween(before, after);
      return changes.length === 0 ? [] : [{ type: 'changes', changes, coalesced: true }];
    }
    this.#complete = complete;
    // With something amiss no prefix was listed to its end: what was told on an earlier connection and is not seen now stays.
    return [...pagesOf(after), { type: 'snapshot', ...(complete ? {} : { scope: [] }) }];
  }
}

function sameFiles(before: Files, after: Files): boolean {
  if (before.size !== after.size) return false;
  const others = after.entries();
  for (const [path, state] of before) {
    const [otherPath, other] = others.next().value!;
    if (path !== otherPath || state !== other) return false;
  }
  return true;
}

function pagesOf(view: View): Frame<never>[] {
  // The same key once more, refused: what it had before is its last good value.
  const entries: RawEntry[] = [...view.entries.values(), ...view.refused.values()];
  const pages: Frame<never>[] = [];
  for (let start = 0; start < entries.length; start += pageSize) {
    pages.push({ type: 'page', entries: entries.slice(start, start + pageSize) });
  }
  return pages;
}

/** One error for the status: the first, and how many there are. */
function summary(problems: readonly DatasyncError[]): DatasyncError | undefined {
  const [first, ...more] = problems;
  if (first === undefined || more.length === 0) return first;
  const { code, message, backend = 'files', file, line, column } = first;
  const text = message.slice(message.indexOf('] ') + 2);
  return new DatasyncError(code, `${text} (and ${more.length} more)`, {
    cause: new AggregateError(problems, 'all that cannot be read or parsed'),
    backend,
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  });
}
