import { resolve, sep } from 'node:path';
import type { DatasyncEvent, SourceStatus } from 'rx-datasync';

/** Writes events and troubles, a line for each key. */
export class Printer {
  readonly #log: (line: string) => void;
  readonly #directory: string;
  #trouble: string | undefined;

  constructor(directory: string, log: (line: string) => void) {
    this.#directory = resolve(directory) + sep;
    this.#log = log;
  }

  readonly event = (event: DatasyncEvent<unknown>): void => {
    if (event.type === 'resync') {
      this.#log(`RESYNC #${event.epoch}  revision ${event.revision}  (${event.reason})`);
      for (const { key, value } of event.entries.sorted()) this.#log(`  + ${key}  ${shown(value)}`);
    } else {
      this.#log(`CHANGE  revision ${event.revision}`);
      for (const change of event.changes) {
        const { key, prevValue } = change;
        if (change.op === 'delete') this.#log(`  - ${key}  was ${shown(prevValue)}`);
        else if (prevValue === undefined) this.#log(`  + ${key}  ${shown(change.value)}`);
        else this.#log(`  ~ ${key}  ${shown(prevValue)} → ${shown(change.value)}`);
      }
    }
    for (const { key, error, lastGood } of event.rejected) {
      this.#log(`  ! ${key}  rejected: ${this.#textOf(error)}`);
      if (lastGood !== undefined) this.#log(`      stays ${shown(lastGood)}`);
    }
  };

  /** Says when the source is not sure to tell the truth, and when it is again. */
  readonly status = ({ stale }: SourceStatus): void => {
    const trouble = stale === undefined ? undefined : this.#textOf(stale.cause);
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#log(trouble === undefined ? 'STATUS  all is well again' : `STATUS  stale: ${trouble}`);
  };

  /** A message without the library's name, and with short paths. */
  #textOf(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    return message.replace(/^\[[^\]]*\] /, '').replaceAll(this.#directory, '');
  }
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}
