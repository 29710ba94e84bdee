import { readFile } from 'node:fs/promises';
import { DatasyncError } from '../../model/errors.ts';
import type { RawEntry } from '../../source/frames.ts';
import { type Entries, type Place, placesIn, type Reading } from './parse.ts';
import type { Files } from './scan.ts';
import { look, stampOf } from './stats.ts';
import type { Clash, View } from './view.ts';

type Places = ReadonlyMap<string, Place>;

/** Says of each key that several files have what is refused, and where both places are. */
export class Clashes {
  readonly #reading: Reading;
  /** By what a file said: as long as that is the same, so are its places. */
  readonly #places = new WeakMap<Entries, Places>();

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
    for (const path of new Set(clashes.flatMap((clash) => clash.files))) {
      places.set(path, await this.#placesIn(path, files));
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

  async #placesIn(path: string, files: Files): Promise<Places> {
    const { entries, stamp } = files.get(path)!;
    const known = this.#places.get(entries!);
    if (known !== undefined) return known;
    const nowhere: Places = new Map();
    try {
      const bytes = await readFile(path);
      if (stampOf(await look(path)) !== stamp) return nowhere;
      const places = await placesIn(path, bytes, this.#reading);
      this.#places.set(entries!, places);
      return places;
    } catch {
      // It is broken, or gone: the next scan says so.
      return nowhere;
    }
  }
}
