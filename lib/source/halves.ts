import { bytesCodec } from '../codecs/bytesCodec.ts';
import type { Codec } from '../model/codec.ts';
import { decode } from '../model/coding.ts';
import type { DatasyncError } from '../model/errors.ts';
import { ChangeEvent, ResyncEvent } from '../model/events.ts';
import { checkOptions, type Rules, rule } from '../model/options.ts';
import { Snapshot } from '../model/snapshot.ts';
import type { Change, KeyValue, Rejected } from '../model/values.ts';
import { sourceRules } from './config.ts';
import type { RawChange, RawEntry } from './frames.ts';
import { isUnder } from './prefixes.ts';

/** Configuration of the two halves of a source, `listX` and `watchX`. */
export interface HalfConfig<T> {
  /** Raw string prefixes; `''` is everything. */
  readonly prefixes: readonly string[];
  /** Default: `bytesCodec`. */
  readonly codec?: Codec<T>;
}

/** What `listX` and `watchX` have in common: raw keys become events made by hand, of epoch 0. */
export class Half<T> {
  readonly prefixes: readonly string[];
  readonly #codec: Codec<T>;
  readonly #backend: string;

  /** @throws DatasyncError `INVALID_CONFIG` */
  constructor(where: string, backend: string, config: HalfConfig<T>, more: Rules = {}) {
    const rules = { ...more, prefixes: rule.texts, codec: sourceRules['codec']! };
    checkOptions(where, config, rules, ['prefixes']);
    this.prefixes = [...config.prefixes];
    this.#codec = config.codec ?? (bytesCodec as unknown as Codec<T>);
    this.#backend = backend;
  }

  resync(entries: Iterable<RawEntry>, revision: number): ResyncEvent<T> {
    const items: KeyValue<T>[] = [];
    const rejected: Rejected<T>[] = [];
    for (const entry of entries) {
      const result = this.#read(entry);
      if ('error' in result) rejected.push(result);
      else items.push({ key: entry.key, value: result.value, revision: entry.revision ?? revision });
    }
    const diff = { added: items, changed: [], removed: [] };
    const { prefixes } = this;
    return new ResyncEvent<T>({
      epoch: 0,
      revision,
      reason: 'initial',
      prefixes,
      entries: new Snapshot(items),
      diff,
      rejected,
    });
  }

  /** One transaction; `undefined`: nothing of it is under the prefixes. */
  change(raw: readonly RawChange[], revision: number): ChangeEvent<T> | undefined {
    const changes: Change<T>[] = [];
    const rejected: Rejected<T>[] = [];
    for (const change of raw) {
      const { key } = change;
      if (!isUnder(key, this.prefixes)) continue;
      if (change.op === 'delete') {
        changes.push({ op: 'delete', key, prevValue: undefined, revision });
        continue;
      }
      const result = this.#read(change);
      if ('error' in result) rejected.push(result);
      else changes.push({ op: 'put', key, value: result.value, prevValue: undefined, revision });
    }
    return changes.length + rejected.length === 0 ? undefined : ChangeEvent.of(changes, revision, { rejected });
  }

  #read(entry: RawEntry): { readonly value: T } | Rejected<T> {
    const { key } = entry;
    if ('error' in entry) return { key, raw: entry.raw, error: entry.error };
    try {
      return { value: decode(this.#codec, entry.value, key, this.#backend) };
    } catch (error) {
      return { key, raw: entry.value, error: error as DatasyncError };
    }
  }
}
