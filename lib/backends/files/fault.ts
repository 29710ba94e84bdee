import { DatasyncError } from '../../model/errors.ts';

/** Why a text, or a part of it, is not what was expected. */
export interface Fault {
  readonly reason: string;
  readonly line?: number;
  readonly column?: number;
}

/** `PARSE_FAILED` for a file, or with `key` for one entry of it. */
export function parseError(
  file: string,
  { reason, line, column }: Fault,
  cause?: unknown,
  key?: string,
): DatasyncError {
  const place = line === undefined ? '' : `:${line}:${column ?? 1}`;
  return new DatasyncError('PARSE_FAILED', `${file}${place}: ${reason}`, {
    ...(cause === undefined ? {} : { cause }),
    backend: 'files',
    ...(key === undefined ? {} : { key }),
    file,
    ...(line === undefined ? {} : { line, column: column ?? 1 }),
  });
}
