import { readFileSync } from 'node:fs';
import { DatasyncError, messageOf } from '../../model/errors.ts';

/**
 * What a PEM file of a configuration holds.
 *
 * @throws DatasyncError `UNREADABLE` with the file
 */
export function certificateFile(file: string, backend: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const message = `the file ${file} cannot be read: ${messageOf(cause)}`;
    throw new DatasyncError('UNREADABLE', message, { cause, backend, file });
  }
}
