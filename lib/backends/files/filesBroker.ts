import { firstValueFrom, merge, Subject } from 'rxjs';
import { brokerFrom } from '../../broker/brokerFrom.ts';
import { brokerRules } from '../../broker/checks.ts';
import { bytesCodec } from '../../codecs/bytesCodec.ts';
import { jsonCodec } from '../../codecs/jsonCodec.ts';
import type { Broker, CoreBroker, KeyRange } from '../../model/broker.ts';
import type { Codec } from '../../model/codec.ts';
import { DatasyncError, reasonOf } from '../../model/errors.ts';
import type { ResyncEvent } from '../../model/events.ts';
import { checkOptions } from '../../model/options.ts';
import type { SourceStatus } from '../../model/status.ts';
import type { KeyValue } from '../../model/values.ts';
import { fromBackend } from '../../source/fromBackend.ts';
import { type FilesOptions, filesRules, optionsFor } from './config.ts';
import { filesBackend } from './filesBackend.ts';
import { isIn, noWrites } from './onlyReads.ts';

/** The configuration of {@link filesBroker}. */
export interface FilesBrokerConfig<T> extends FilesOptions {
  /** Put before every key: a raw string prefix. Default: `''`. */
  readonly prefix?: string;
  /** Default: `jsonCodec`. */
  readonly codec?: Codec<T>;
}

const readOnly =
  'files of configuration are written by people and tools, programs only read them: edit the file; status goes to filesStatus';

/**
 * A broker that reads the files of {@link fromFiles} once per call, and refuses every write with `UNSUPPORTED`: what is in
 * them is decided outside of the program.
 *
 * It says what a new subscription would be told first. Where a file cannot be read or parsed, or a path is missing, every
 * call is rejected with that error, since a key that seems to be absent may be in there.
 *
 * Errors: those of {@link brokerFrom}; `PARSE_FAILED`, `UNREADABLE`, `MISSING_PEER`, with the file; `DECODE_FAILED` for a key that
 * has no value, or stands in its file twice. Memory: of YAML files the keys, between calls. Each call reads all files.
 *
 * @example
 * const config = filesBroker({ paths: ['config/'], prefix: '/nodes/' });
 * await config.get('a');
 *
 * @see {@link filesStatus} for what a program writes
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function filesBroker<T = unknown>(config: FilesBrokerConfig<T>): Broker<T> {
  checkOptions('filesBroker', config, { ...filesRules, ...brokerRules }, ['paths']);
  const { prefix = '', codec = jsonCodec<T>(), ...options } = config;
  return brokerFrom(new ReadingCore(optionsFor(options, codec)), { prefix, codec });
}

class ReadingCore implements CoreBroker {
  readonly name = 'files';
  readonly capabilities: CoreBroker['capabilities'] = noWrites(readOnly);
  readonly #backend: ReturnType<typeof filesBackend>;

  constructor(options: FilesOptions) {
    this.#backend = filesBackend({ ...options, usePolling: true });
  }

  async get(key: string): Promise<KeyValue<Uint8Array> | undefined> {
    return (await this.#in({ prefix: key })).find((item) => item.key === key);
  }

  async *list(range: KeyRange): AsyncGenerator<readonly KeyValue<Uint8Array>[]> {
    yield await this.#in(range);
  }

  async *listKeys(range: KeyRange): AsyncGenerator<readonly string[]> {
    const { entries, rejected } = await this.#read(range);
    const keys = new Set([...entries.items, ...rejected].map(({ key }) => key));
    yield [...keys].filter((key) => isIn(key, range)).sort();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #in(range: KeyRange): Promise<readonly KeyValue<Uint8Array>[]> {
    const { entries, rejected } = await this.#read(range);
    // What is rejected and has a value all the same stands in a second file, which does not count.
    const bad = rejected.find(({ key }) => isIn(key, range) && !entries.has(key));
    if (bad !== undefined) {
      const { key, error: cause } = bad;
      const message = `the entry ${JSON.stringify(key)} cannot be read: ${reasonOf(cause)}`;
      throw new DatasyncError('DECODE_FAILED', message, { cause, backend: this.name, key });
    }
    return entries.items.filter(({ key }) => isIn(key, range)).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The first resync of a subscription of its own, or why it would be stale. */
  async #read(range: KeyRange): Promise<ResyncEvent<Uint8Array>> {
    const trouble = new Subject<never>();
    const next = ({ stale }: SourceStatus) => stale !== undefined && trouble.error(stale.cause);
    const prefixes = ['prefix' in range ? range.prefix : ''];
    const source = fromBackend(this.#backend, { prefixes, codec: bytesCodec, statusObserver: { next } });
    const first = await firstValueFrom(merge(trouble, source), { defaultValue: undefined });
    return first as ResyncEvent<Uint8Array>;
  }
}
