import { DatasyncError } from '../model/errors.ts';

/** A store's revision, as far as a number can carry it. */
export function isRevision(revision: number | undefined): revision is number {
  return Number.isSafeInteger(revision) && revision! >= 0;
}

/** A typo in a backend must not be told as a delete, nor as an empty value. */
function isEntry(item: unknown): boolean {
  const { key, value, error } = (item ?? {}) as { key?: unknown; value?: unknown; error?: unknown };
  return typeof key === 'string' && (value instanceof Uint8Array || error instanceof DatasyncError);
}

export function areEntries(items: unknown): boolean {
  return Array.isArray(items) && items.every(isEntry);
}

function isChange(item: { op?: unknown; key?: unknown } | null): boolean {
  return item?.op === 'delete' ? typeof item.key === 'string' : item?.op === 'put' && isEntry(item);
}

export function areChanges(items: unknown): boolean {
  return Array.isArray(items) && items.every(isChange);
}
