import type { BigIntStats } from 'node:fs';
import { differing } from './largeYaml.ts';
import type { Entries } from './parse.ts';

/** What tells the half of a text from the whole. */
export interface Ending {
  /** Which file it was read from: another one under the same name was put there as a whole. */
  readonly identity: string;
  readonly size: number;
  /** Its last bytes. */
  readonly end: string;
}

/** So many bytes at the end of a text are compared, at most half of it. */
const compared = 64;

/** How a text ends. */
export function endingOf({ dev, ino }: BigIntStats, bytes: Buffer): Ending {
  const from = bytes.length - Math.min(compared, bytes.length >>> 1);
  return { identity: `${dev}:${ino}`, size: bytes.length, end: bytes.toString('latin1', from) };
}

/** What was believed of a text. */
export interface Text {
  readonly entries: Entries;
  readonly text: Ending;
}

/** The same of an earlier one, of which perhaps only the keys are known. */
export interface TextBefore {
  readonly entries: Entries | ReadonlySet<string>;
  readonly text: Ending;
}

/**
 * Whether a text that was written in place of another one may be the beginning of what is to come: it lacks a key, or it is shorter
 * or does not end its last line, and does not end as the other one did.
 */
export function mayBeCut(before: TextBefore, after: Text): boolean {
  const [old, now] = [before.text, after.text];
  if (old.identity !== now.identity) return false;
  const some = differing(before.entries, after.entries) ?? before.entries.keys();
  for (const key of some) if (before.entries.has(key) && !after.entries.has(key)) return true;
  const endsLine = ({ end }: Ending): boolean => end.endsWith('\n');
  const endsAlike = now.end.endsWith(old.end) || old.end.endsWith(now.end);
  return !endsAlike && (now.size < old.size || (endsLine(old) && !endsLine(now)));
}
