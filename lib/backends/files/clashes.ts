import { readFile } from 'node:fs/promises';
import { DatasyncError } from '../../model/errors.ts';
import type { RawEntry } from '../../source/frames.ts';
import { keptPlaces } from './largeYaml.ts';
import { type Entries, type Place, placesIn, type Reading } from './parse.ts';
import type { Files } from './scan.ts';
import { look, stampOf } from './stats.ts';
import type { Clash, View } from './view.ts';

type Places = ReadonlyMap<string, Place>;

const nowhere: Places = new Map();

interface Found {
  readonly stamp: string | undefined;
  /** The keys that were looked for; missing: all. */
  readonly of: ReadonlySet<string> | undefined;
  readonly places: Places;
}

/** Says of each key that several files have what is refused, and where both places are. */
export class Clashes {
  readonly #reading: Reading;
  /** By what a file said, and how it looked: as long as both are the same, so are its places; also that it has none. */
  readonly #places = new WeakMap<Entries, Found>();

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  /**
   * What is refused, by key.
   *
   * The places are looked up only here: entries do not remember them. A file that has changed meanwhile is named without.
   */
  async refused(clashes: readonly Clash[], files: Files, signal: AbortSignal): Promise<View['refused']> {
    const refused = new Map<string, RawEntry>();
    const places = new Map<string, Places>();
    const asked = new Map<string, Set<string>>();
    for (const { key, files: among } of clashes)
      for (const path of among.slice(0, 2)) {
        const keys = asked.get(path);
        if (keys === undefined) asked.set(path, new Set([key]));
        else keys.add(key);
      }
    for (const [path, keys] of asked) {
      places.set(path, await this.#placesIn(path, keys, files));
      signal.throwIfAborted();
    }
    for (const { key, files: among } of clashes) {
      const [winner, loser] = among as [string, string];
      const nameOf = (path: string): string => {
        const place = places.get(path)?.get(key);
        return place === undefined ? path : `${path}:${place.line}:${place.column}`;
      };
      const more = among.length > 2 ? ` (and ${among.length - 2} more)` : '';
      const message = `${JSON.stringify(key)} of ${nameOf(loser)} is not used: ${nameOf(winner)} has it too, and comes first${more}`;
      const entry = files.get(loser)?.entries?.get(key);
      const error = new DatasyncError('DUPLICATE_KEY', message, {
        backend: 'files',
        key,
        file: loser,
        ...places.get(loser)?.get(key),
      });
      refused.set(key, { key, error, ...(entry !== undefined && 'value' in entry && { raw: entry.value }) });
    }
    return refused;
  }

  async #placesIn(path: string, keys: ReadonlySet<string>, files: Files): Promise<Places> {
    const { entries, stamp, kept, failure } = files.get(path)!;
    const known = this.#places.get(entries!);
    // Of a large file only the keys that were asked for are known.
    if (known !== undefined && known.stamp === stamp) {
      const { of } = known;
      if (of === undefined || [...keys].every((key) => of.has(key))) return known.places;
    }
    let places: Places = nowhere;
    let of: ReadonlySet<string> | undefined;
    // What is broken has moved; the next scan that can read it finds other entries.
    if (failure === undefined && kept !== undefined) {
      of = keys;
      places = keptPlaces(kept, keys);
    } else if (failure === undefined) places = await this.#read(path, stamp);
    this.#places.set(entries!, { stamp, of, places });
    return places;
  }

  async #read(path: string, stamp: string | undefined): Promise<Places> {
    try {
      const bytes = await readFile(path);
      return stampOf(await look(path)) === stamp ? await placesIn(path, bytes, this.#reading) : nowhere;
    } catch {
      // It is broken, or gone: the next scan says so.
      return nowhere;
    }
  }
}
