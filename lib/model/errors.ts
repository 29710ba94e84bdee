/**
 * All error codes, each with what it means. `DatasyncError.code` is one of the keys.
 */
export const errorCodes = {
  INVALID_CONFIG: 'an option or argument is unknown, of the wrong type or out of range, or failed when it was used',
  INVALID_EVENT: 'an operator was given something that is no event of this library',
  INVALID_KEY: 'a key cannot be stored',
  DECODE_FAILED: 'a codec refused a raw value, or returned undefined',
  ENCODE_FAILED: 'a codec could not write a value',
  PARSE_FAILED:
    'a file is not valid JSON or YAML or not of the expected shape, or a text is not in the marble notation',
  UNREADABLE: 'a file or directory is missing or could not be read',
  DUPLICATE_KEY: 'two files have the same key; the one that comes first is told',
  SHRUNK:
    'keys seem to be lost, so many at once, or while a file cannot be read that may have them, that it is not believed yet',
  MISSING_PEER: 'an optional peer dependency is not installed',
  UNSUPPORTED: 'the store cannot do what was asked',
  UNWRITABLE: 'a file could not be written',
  NACKED: 'a consumer failed on an event, or gave up on it',
  PUBLISH_FAILED: '`publishTo` could not write to a broker, or could not read what it holds',
  LATE_CLAIM:
    'an ack was used after its event had settled: something asynchronous stands above the operator that claims',
  STALLED: 'no event has settled for 10 s: the consumer hangs or is slow, or forgot an ack',
  OVERFLOW: "the consumer is too slow for `overflow: 'error'`",
  ACCESS_DENIED: 'the store refuses the credentials, or what was asked with them',
  CONNECTION_LOST: 'the connection to the store broke',
  OUTCOME_UNKNOWN: 'the answer to a write is missing: it may have been done, or not',
  REFUSED: 'the store refused a request, for a reason that it gives',
  TOO_LARGE: 'a key, a value or a transaction is larger than the store takes',
  NO_SUCH_REVISION: 'the revision that was asked for was compacted, or has not happened yet',
  LEASE_LOST: 'what was kept alive is no longer: its lease has expired, or could not be confirmed',
  NOT_READY: 'a source that is merged with others has told nothing within its `wait`',
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

  /** What `JSON.stringify` shows, causes too, without stacks: an Error's own message is not enumerable, and would be lost. */
  toJSON(): Record<string, unknown> {
    return jsonOfError(this, deepest);
  }
}

/** Errors may be each other's cause. */
const deepest = 8;

function jsonOfError(error: Error, depth: number): Record<string, unknown> {
  const { code, backend, key, file, line, column } = error as Error &
    DatasyncErrorDetails & { readonly code?: unknown };
  const inner = (cause: unknown): unknown => {
    if (!(cause instanceof Error)) return plain(cause);
    return depth === 0 ? messageOf(cause) : jsonOfError(cause, depth - 1);
  };
  return {
    name: error.name,
    code: plain(code),
    message: error.message,
    // Of other errors these may be anything.
    ...(error instanceof DatasyncError ? { backend, key, file, line, column } : {}),
    ...(error.cause === undefined ? {} : { cause: inner(error.cause) }),
    ...(error instanceof AggregateError ? { errors: error.errors.map(inner) } : {}),
  };
}

/** What JSON can show for sure: anybody may throw anything, also what refers to itself. */
function plain(value: unknown): unknown {
  const isPlain = value === null || ['undefined', 'string', 'number', 'boolean'].includes(typeof value);
  return isPlain ? value : messageOf(value);
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  try {
    return String(error);
  } catch {
    // An object without a prototype, or with a `toString` that throws.
    return Object.prototype.toString.call(error);
  }
}

/** The same, to be quoted in a message of ours, which says already whose it is. */
export function reasonOf(error: unknown): string {
  const message = messageOf(error);
  return error instanceof DatasyncError ? message.replace(/^\[.*?\] /, '') : message;
}
