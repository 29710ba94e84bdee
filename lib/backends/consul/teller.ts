import type { DatasyncError } from '../../model/errors.ts';
import type { Frame, RawChange } from '../../source/frames.ts';
import type { Part } from './part.ts';

/** Turns what the parts of one connection see into frames: a snapshot first, then what changed. */
export class Teller {
  readonly #trees: readonly { readonly parts: readonly Part[] }[];
  #stale: DatasyncError | undefined;

  /** @param before the teller of the connection before this one */
  constructor(trees: readonly { readonly parts: readonly Part[] }[], before: Teller | undefined) {
    this.#trees = trees;
    this.#stale = before === undefined ? undefined : before.#stale;
  }

  get #parts(): readonly Part[] {
    return this.#trees.flatMap(({ parts }) => parts);
  }

  /** The first of a connection: whoever listens may have forgotten what was amiss before. */
  *snapshot(): Generator<Frame<never>> {
    const wentBack = this.#parts.some((part) => part.wentBack);
    const data = function* (parts: readonly Part[]): Generator<Frame<never>> {
      for (const { known } of parts) {
        for (const entries of known.pages()) yield { type: 'page', entries };
        known.isTold = true;
      }
      yield { type: 'snapshot', ...(wentBack && { reason: 'regressed' }) };
    };
    yield* this.#around(data, true);
  }

  *changes(changes: readonly RawChange[]): Generator<Frame<never>> {
    yield* this.#around(function* () {
      yield changes.length > 0 ? { type: 'changes', changes, coalesced: true } : { type: 'progress' };
    });
  }

  /** Stale before the data that is, healed after the data that heals. */
  *#around(data: (parts: readonly Part[]) => Generator<Frame<never>>, always = false): Generator<Frame<never>> {
    const news = this.#news(always);
    if (news !== undefined && news.stale !== null) yield news;
    yield* data(this.#parts);
    if (news !== undefined && news.stale === null) yield news;
  }

  /** What the status has to learn: the first trouble there is. */
  #news(always: boolean): { readonly type: 'progress'; readonly stale: DatasyncError | null } | undefined {
    const before = this.#stale;
    const now = this.#parts.find(({ trouble }) => trouble !== undefined)?.trouble;
    const isSame = now === before || (now !== undefined && now.message === before?.message);
    if (isSame && !(always && now !== undefined)) return undefined;
    this.#stale = now;
    return { type: 'progress', stale: now ?? null };
  }
}
