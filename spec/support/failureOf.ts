import type { DatasyncError } from '../../lib/model/errors.ts';

/** What some work throws. */
export function failureOf(work: () => unknown): DatasyncError {
  try {
    work();
  } catch (error) {
    return error as DatasyncError;
  }
  throw new Error('it did not fail');
}
