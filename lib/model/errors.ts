/**
 * All error codes, each with what it means. `DatasyncError.code` is one of the keys.
 */
export const errorCodes = {
  INVALID_CONFIG: 'an option is unknown, of the wrong type or out of range',
  INVALID_EVENT: 'an operator was given something that is no event of this library',
  INVALID_KEY: 'a key cannot be stored',
  DECODE_FAILED: 'a codec refused a raw value, or returned undefined',
  ENCODE_FAILED: 'a codec could not write a value',
  PARSE_FAILED:
    'a file is not valid JSON or YAML or not of the expected shape, or a text is not in the marble notation',
  UNREADABLE: 'a file or directory is missing or could not be read',
  MISSING_PEER: 'an optional peer dependency is not installed',
  UNSUPPORTED: 'the store cannot do what was asked',
  NACKED: 'a consumer failed on an event, or gave up on it',
  LATE_CLAIM:
    'an ack was used after its event had settled: something asynchronous stands above the operator that claims',
  OVERFLOW: "the consumer is too slow for `overflow: 'error'`",
  CONNECTION_LOST: 'the connection to the store broke',
  DEAD_STREAM: 'the connection was silent for longer than the backend promises',
  CONTRACT_BROKEN: 'a backend sent what it must not send',
  RETRY_EXHAUSTED: 'the retry policy of the configuration ran out',
  FATAL: 'the backend says that it will never work again',
} as const;

/** One of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** Where an error happened, and what caused it. */
export interface DatasyncErrorDetails {
  /** The client's own error. */
  readonly cause?: unknown;
  /** The backend's name: `memory`, `files` … */
  readonly backend?: string;
  readonly key?: string;
  readonly file?: string;
  /** First line is 1. */
  readonly line?: number;
  /** First column is 1. */
  readonly column?: number;
}

/**
 * Every error this library makes: a `code` for programs, a message that says what was wrong, where, and what to do.
 *
 * The message starts with `[rx-datasync/<backend>]`, or `[rx-datasync]` where no backend is involved.
 */
export class DatasyncError extends Error {
  readonly code: ErrorCode;
  declare readonly backend?: string;
  declare readonly key?: string;
  declare readonly file?: string;
  declare readonly line?: number;
  declare readonly column?: number;

  /**
   * @param code one of {@link errorCodes}
   * @param message what was wrong, and what to do; the prefix is added
   * @param details where, and the cause
   */
  constructor(code: ErrorCode, message: string, details: DatasyncErrorDetails = {}) {
    const { cause, ...where } = details;
    super(
      `[rx-datasync${where.backend === undefined ? '' : `/${where.backend}`}] ${message}`,
      cause === undefined ? {} : { cause },
    );
    this.code = code;
    Object.assign(this, where);
  }

  override get name(): string {
    return 'DatasyncError';
  }

  /** What `JSON.stringify` shows: an Error's own message is not enumerable, and would be lost. */
  toJSON(): Record<string, unknown> {
    const { code, message, backend, key, file, line, column } = this;
    return { name: this.name, code, message, backend, key, file, line, column };
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
