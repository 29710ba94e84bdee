import type { DatasyncError } from './errors.ts';

/** A key with its value, and the revision at which it got that value. */
export interface KeyValue<T> {
  readonly key: string;
  readonly value: T;
  readonly revision: number;
  /** Below `mergeSources`: whose value it is. Elsewhere missing. */
  readonly from?: string;
}

/** One key that was put or deleted. */
export type Change<T> =
  | {
      readonly op: 'put';
      readonly key: string;
      readonly value: T;
      /** What this subscriber was last told for the key; `undefined` iff it was absent. */
      readonly prevValue: T | undefined;
      readonly revision: number;
      /** Below `mergeSources`: whose value it is now. Elsewhere missing. */
      readonly from?: string;
    }
  | {
      readonly op: 'delete';
      readonly key: string;
      /** What this subscriber was last told for the key; `undefined` only where all that was told of it was `rejected`. */
      readonly prevValue: T | undefined;
      readonly revision: number;
      /** Below `mergeSources`: whose value it was. Elsewhere missing. */
      readonly from?: string;
    };

/**
 * How a resync differs from what this subscriber was last told. Enough to follow the store without `entries`.
 *
 * A key of an event that failed is named until a resync that names it has been settled well; its `prevValue` is then a
 * value told at some time since, and a `removed` may name a key that the consumer never applied.
 */
export interface ResyncDiff<T> {
  readonly added: readonly KeyValue<T>[];
  readonly changed: readonly (KeyValue<T> & { readonly prevValue: T | undefined })[];
  readonly removed: readonly { readonly key: string; readonly prevValue: T | undefined }[];
}

/** A key whose raw value could not be decoded. Never a deletion: the last good value stays in every view. */
export interface Rejected<T> {
  readonly key: string;
  /** What the store holds, where the backend can say. */
  readonly raw: Uint8Array | undefined;
  readonly error: DatasyncError;
  /** The value that stays in force; missing where there never was a good one. */
  readonly lastGood?: T;
}

/** Why a resync was told. */
export type ResyncReason =
  | 'initial'
  | 'reconnected'
  | 'compacted'
  | 'regressed'
  | 'inconsistent'
  | 'requested'
  | 'prefixes'
  | 'nacked';
