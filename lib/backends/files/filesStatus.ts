import { lstatSync } from 'node:fs';
import { brokerFrom } from '../../broker/brokerFrom.ts';
import { brokerRules } from '../../broker/checks.ts';
import { jsonCodec } from '../../codecs/jsonCodec.ts';
import { decodeText, encodeText } from '../../internal/bytes.ts';
import { LossError } from '../../internal/lossyNumber.ts';
import type { Broker, CoreBroker, KeyRange, RawWrite, WriteResult } from '../../model/broker.ts';
import type { Codec } from '../../model/codec.ts';
import { DatasyncError, messageOf, reasonOf } from '../../model/errors.ts';
import { checkOptions, rule } from '../../model/options.ts';
import type { KeyValue } from '../../model/values.ts';
import type { RawEntry } from '../../source/frames.ts';
import { extensions, hasFormat } from './formats.ts';
import { parseJson } from './jsonText.ts';
import { isIn } from './onlyReads.ts';
import { obstacle } from './replaceFile.ts';
import { type StatusFile, statusFileAt } from './statusFile.ts';

/** The configuration of {@link filesStatus}. */
export interface FilesStatusConfig<T> {
  /** The file, relative to the working directory at the time of the call: JSON or YAML, as its extension says. */
  readonly path: string;
  /** Put before every key: a raw string prefix. Default: `''`. */
  readonly prefix?: string;
  /** Must write JSON, since values stand in the file as they are. Default: `jsonCodec`. */
  readonly codec?: Codec<T>;
  /**
   * Milliseconds that lie between two writes of the file at least; what comes meanwhile is written together. Default: 0, only what
   * comes while one is being written.
   */
  readonly interval?: number;
}

/**
 * A broker that keeps the status of a program in one file, for people and other programs to read: the `status-path` of
 * cn-infra's FileDB, in the same format as the configuration, `data: [{ key, value }]`, sorted by key.
 *
 * - The file is replaced in one step, by renaming a temporary file that stands beside it, after `fsync` of it and before that
 *   of its directory: nobody ever sees a half of it, and what `put` resolved for is there after a power failure. So its
 *   directory must be writable; nothing else is touched, and no directory is made.
 * - Writes that come while the file is being written are written together, each resolves when the file holds it; one
 *   that changes nothing writes nothing. A transaction is seen as a whole.
 * - What the file held at the start stays: delete what is no longer true (`publishTo` does). A file that is no status file is
 *   refused, and left as it is; so is, when something is to be written, one that has more in it than entries: other members, comments, an
 *   entry twice (`UNWRITABLE`, which says what).
 * - No source of this process reads it as configuration, where it lies below a configured directory; other programs
 *   need to leave it out by themselves. A path that names the file itself reads it.
 *
 * One process should write the file: of two that write at once the later one may undo the earlier one. Brokers of the same
 * process share it.
 *
 * Errors: those of {@link brokerFrom}; `UNWRITABLE`, `UNREADABLE` and `PARSE_FAILED` with the file, `MISSING_PEER` (`js-yaml`, for
 * YAML), `ENCODE_FAILED` for a value that is not JSON, or has a number that would
 * lose digits. Memory: the entries, as long as a broker is not closed.
 *
 * @example
 * fromMemory(states, { prefixes: ['/status/'], codec }).pipe(publishTo(filesStatus({ path: 'run/status.yaml', codec })))
 *
 * @param config see {@link FilesStatusConfig}
 * @returns a broker without time to live and compare-and-swap; it has no revisions: entries that it reads have 0
 * @throws DatasyncError `INVALID_CONFIG` at once, where the path is a directory, a link, or has no known extension
 */
export function filesStatus<T = unknown>(config: FilesStatusConfig<T>): Broker<T> {
  checkOptions('filesStatus', config, { path: rule.text, interval: rule.milliseconds, ...brokerRules }, ['path']);
  const { path, prefix = '', codec = jsonCodec<T>(), interval = 0 } = config;
  checkStatusPath('filesStatus', path);
  return brokerFrom(new StatusCore(statusFileAt(path), interval), { prefix, codec });
}

/** @throws DatasyncError `INVALID_CONFIG`, where no status file can be at that path */
export function checkStatusPath(where: string, path: string): void {
  const refuse = (what: string, cause?: unknown): never => {
    const details = { backend: 'files', file: path, ...(cause === undefined ? {} : { cause }) };
    throw new DatasyncError('INVALID_CONFIG', `${where}: no status can be kept at ${path}: ${what}`, details);
  };
  try {
    const found = obstacle(lstatSync(path, { throwIfNoEntry: false }));
    if (found !== undefined) refuse(found);
  } catch (error) {
    if (error instanceof DatasyncError) throw error;
    refuse(messageOf(error), error);
  }
  if (/[/\\]$/.test(path)) refuse('it is the name of a directory; give the path of a file');
  if (!hasFormat(path)) refuse(`its extension must say the format: ${extensions}`);
}

class StatusCore implements CoreBroker {
  readonly name = 'files';
  readonly capabilities = {
    write: true,
    ttl: false,
    lifetime: false,
    transactions: true,
    compareAndSwap: false,
    deletePrefix: true,
    reasons: {
      ttl: 'a file has no clock: an entry would outlive the program that should take it out',
      lifetime: 'a file stays when the program that wrote it ends',
      compareAndSwap: 'another process may replace the file between the look and the write',
    },
  } as const;
  readonly #file: StatusFile;
  readonly #interval: number;

  constructor(file: StatusFile, interval: number) {
    this.#file = file;
    this.#interval = interval;
  }

  get(key: string): Promise<KeyValue<Uint8Array> | undefined> {
    return this.#file.read((entries) => {
      const entry = entries.get(key);
      return entry === undefined ? undefined : this.#item(entry);
    });
  }

  async *list(range: KeyRange): AsyncGenerator<readonly KeyValue<Uint8Array>[]> {
    yield await this.#file.read((entries) => keysIn(entries.keys(), range).map((key) => this.#item(entries.get(key)!)));
  }

  async *listKeys(range: KeyRange): AsyncGenerator<readonly string[]> {
    yield await this.#file.read((entries) => keysIn(entries.keys(), range));
  }

  async put(key: string, value: Uint8Array): Promise<WriteResult> {
    const json = jsonOf(key, value);
    return this.#file.write((draft) => {
      draft.put(key, json);
      return {};
    }, this.#interval);
  }

  delete(key: string): Promise<WriteResult & { readonly existed: boolean }> {
    return this.#file.write((draft) => ({ existed: draft.delete(key) }), this.#interval);
  }

  deletePrefix(prefix: string): Promise<WriteResult & { readonly deleted: number }> {
    return this.#file.write((draft) => {
      const keys = keysIn(draft.entries.keys(), { prefix });
      for (const key of keys) draft.delete(key);
      return { deleted: keys.length };
    }, this.#interval);
  }

  async commit(writes: readonly RawWrite[]): Promise<WriteResult> {
    const all = writes.map((write) =>
      write.op === 'put' ? { ...write, value: jsonOf(write.key, write.value) } : write,
    );
    return this.#file.write((draft) => {
      for (const write of all) {
        if (write.op === 'put') draft.put(write.key, write.value);
        else draft.delete(write.key);
      }
      return {};
    }, this.#interval);
  }

  close(): Promise<void> {
    return this.#file.flush();
  }

  /** @throws DatasyncError `DECODE_FAILED`, where somebody has written an entry that has no value, or has it twice */
  #item(entry: RawEntry): KeyValue<Uint8Array> {
    const { key } = entry;
    if (!('error' in entry)) return { key, value: entry.value, revision: 0 };
    const message = `the entry ${JSON.stringify(key)} cannot be read: ${reasonOf(entry.error)}`;
    throw new DatasyncError('DECODE_FAILED', message, {
      cause: entry.error,
      backend: this.name,
      key,
      file: this.#file.path,
    });
  }
}

function keysIn(keys: Iterable<string>, range: KeyRange): string[] {
  return [...keys].filter((key) => isIn(key, range)).sort();
}

/** A value in the one form in which the file can hold it. */
function jsonOf(key: string, value: Uint8Array): Uint8Array {
  try {
    return encodeText(JSON.stringify(parseJson(decodeText(value))));
  } catch (cause) {
    const what =
      cause instanceof LossError
        ? cause.message
        : 'is not JSON, which is all that a status file can hold: use a codec that writes JSON';
    const message = `the value of ${JSON.stringify(key)} ${what}`;
    throw new DatasyncError('ENCODE_FAILED', message, { cause, backend: 'files', key });
  }
}
