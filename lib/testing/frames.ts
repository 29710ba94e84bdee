import { encodeText } from '../internal/bytes.ts';
import type { ChangesFrame, PageFrame, ProgressFrame, RawChange, RawEntry, SnapshotFrame } from '../source/frames.ts';

/** In a frame: a value that is not JSON. */
export const bad: unique symbol = Symbol('bad');

/** The bytes a store holds for a value of a frame. */
export function raw(value: unknown): Uint8Array {
  return encodeText(value === bad ? '?' : JSON.stringify(value));
}

/** Entries as a store gives them, without revisions of their own. */
export function entries(values: Readonly<Record<string, unknown>>): RawEntry[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: raw(value) }));
}

/** A part of a listing. */
export function page(values: Readonly<Record<string, unknown>>, revision?: number): PageFrame {
  return { type: 'page', entries: entries(values), ...(revision === undefined ? {} : { revision }) };
}

/** The position is the revision, unless `more` says something else. */
export function snapshot(revision?: number, more: Partial<SnapshotFrame<number>> = {}): SnapshotFrame<number> {
  return { type: 'snapshot', ...(revision === undefined ? {} : { revision, position: revision }), ...more };
}

/** A whole listing at one revision: one page and its end. */
export function listing(
  values: Readonly<Record<string, unknown>>,
  revision?: number,
  more: Partial<SnapshotFrame<number>> = {},
): [PageFrame, SnapshotFrame<number>] {
  return [page(values, revision), snapshot(revision, more)];
}

/** Puts, and with `undefined` deletes. The position is the revision, unless `more` says something else. */
export function changes(
  values: Readonly<Record<string, unknown>>,
  revision?: number,
  more: Partial<ChangesFrame<number>> = {},
): ChangesFrame<number> {
  const all = Object.entries(values).map(
    ([key, value]): RawChange => (value === undefined ? { op: 'delete', key } : { op: 'put', key, value: raw(value) }),
  );
  return {
    type: 'changes',
    changes: all,
    ...(revision === undefined ? {} : { revision, position: revision }),
    ...more,
  };
}

/** The position is the revision, unless `more` says something else. */
export function progress(revision?: number, more: Partial<ProgressFrame<number>> = {}): ProgressFrame<number> {
  return { type: 'progress', ...(revision === undefined ? {} : { revision, position: revision }), ...more };
}

/** What {@link frames} makes. */
export interface FrameMakers {
  /** Stands for a value that is not JSON. */
  readonly bad: symbol;
  /** The bytes of a value. */
  readonly raw: typeof raw;
  /** Entries without revisions of their own, as `page` holds them. */
  readonly entries: typeof entries;
  /** A part of a listing. */
  readonly page: typeof page;
  /** The end of a listing. Its position is the revision, unless `more` says something else. */
  readonly snapshot: typeof snapshot;
  /** A whole listing at one revision: one page and its end. */
  readonly listing: typeof listing;
  /** What happened at once: puts, and with `undefined` deletes. Its position is the revision, unless `more` says something else. */
  readonly changes: typeof changes;
  /** A sign of life: all up to the revision has been sent. Its position is the revision, unless `more` says something else. */
  readonly progress: typeof progress;
}

/**
 * Makes frames as a backend sends them: values are written as JSON, `undefined` is a delete, and the revision of a
 * frame is its position too.
 *
 * @example
 * backend.send(...frames.listing({ x: 1 }, 7), frames.changes({ x: 2, y: undefined }, 8), frames.progress(9));
 *
 * @see {@link scriptedBackend} to send them
 */
export const frames: FrameMakers = { bad, raw, entries, page, snapshot, listing, changes, progress };
