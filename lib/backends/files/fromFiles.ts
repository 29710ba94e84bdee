import { stat } from 'node:fs/promises';
import { concat, ignoreElements } from 'rxjs';
import { jsonCodec } from '../../codecs/jsonCodec.ts';
import { fromAsync } from '../../internal/fromAsync.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import type { Source } from '../../model/events.ts';
import { checkOptions, rule } from '../../model/options.ts';
import { type SourceConfig, sourceRules } from '../../source/config.ts';
import { fromBackend } from '../../source/fromBackend.ts';
import { type FromFilesConfig, filesRules, optionsFor, resolveFilesOptions } from './config.ts';
import { filesBackend } from './filesBackend.ts';
import type { Root } from './root.ts';

/**
 * Watches YAML and JSON files: a resync with all their entries, then what changes in them.
 *
 * A file is `data: [{ key, value }]`, in YAML (all its documents count) or JSON, or whatever `project` understands. Files may be
 * edited, moved, renamed, removed and made again; an entry that moves from one file to another in one go is no change. All
 * changes that one look finds are one event, with `coalesced: true`, since states in between may have been skipped.
 *
 * - A file that cannot be parsed: its entries stay, its keys are `rejected` (`PARSE_FAILED` with file, line and column), and
 *   the status is `stale` until it is mended. One that never could be parsed makes the status stale, no more.
 * - An entry that vanishes while a file cannot be parsed or read that may have it now: it stays, and the status names it (`SHRUNK`),
 *   until that file is mended or gone. May have it: a file that became so in the same look or up to 2 s before, and one that does
 *   not parse and has the key in its text. After a resync all that was told before it stays until all is mended; what only a
 *   broken file has is not known to a new subscription.
 * - A configured path that is missing (but see `missing`), or anything that cannot be read: its entries stay, the status is
 *   stale. The same for 5 seconds where a configured directory is another one than before, and empty: a volume that is not mounted
 *   (`onShrink` with `confirm: Infinity` keeps them for good). A file that is missing below a configured directory: its entries are deleted (but see `onShrink`).
 * - An entry that repeats a key of its file, has no value, or one that JavaScript would change without a word: that key is
 *   `rejected`. That is a number that would lose digits (write it as a text), and in JSON a member that stands twice.
 * - A key that two files have: the first path wins. What the other one says is `rejected` (`DUPLICATE_KEY`, with both places), in
 *   one event with what the first one says, and is told when the first one goes.
 *
 * Needs the peers `chokidar` 4 or 5 (unless `usePolling`), and `js-yaml` as soon as there is a YAML file. Where the system has no
 * watches left, everything is looked at every second instead, and the status says so.
 *
 * Half a YAML file is mostly valid YAML, so a file is read only when it has stood still for 50 ms. Where it was written over in place and
 * then lacks a key, or is shorter or ends within a line and does not end as before, everything waits until it has stood still for
 * `settle` (1 s), and a key that vanishes from one file stays while a YAML file that may get it is being written. So a writer
 * that pauses for less removes nothing; after 5 s of that the status is stale and the other files go on. A file of which half is
 * there when the source is used for the first time, or that was removed and is then written slowly, is believed: rename a new file over
 * the old one, which is believed at once, or set `endMarker`; `onShrink` holds back what seems to be lost.
 *
 * Errors: `INVALID_CONFIG` (thrown), `MISSING_PEER`, and with `mustExist` `UNREADABLE`. Completion: never.
 * Memory: the entries of all files as bytes, the whole text of each YAML file of 256 kB or more, of which only what differs is
 * parsed again, and what each subscription holds of them. A JSON file is parsed as a whole, much faster than YAML is, but in one
 * go: split what is larger than a few megabytes where the event loop must not wait.
 *
 * @example
 * fromFiles({ paths: ['config/'], prefixes: ['/nodes/'] }).pipe(toState())
 *
 * @param config `codec` defaults to `jsonCodec`: without a schema `fromFiles<Node>` is a cast
 * @returns a cold source: each subscription watches and reads for itself
 */
export function fromFiles<T = unknown>(config: FromFilesConfig<T>): Source<T> {
  checkOptions('fromFiles', config, { ...filesRules, mustExist: rule.flag, ...sourceRules }, ['paths', 'prefixes']);
  const { mustExist = false, ...rest } = config;
  const { codec = jsonCodec<T>() } = rest;
  const options = optionsFor(rest, codec);
  const shared = Object.entries(rest).filter(
    ([name, value]) => !Object.hasOwn(filesRules, name) && value !== undefined,
  );
  const source = fromBackend(filesBackend(options), {
    ...(Object.fromEntries(shared) as unknown as SourceConfig<T>),
    codec,
  });
  return mustExist ? concat(existence(resolveFilesOptions('fromFiles', options).roots), source) : source;
}

/** Completes where all paths exist. */
function existence(roots: readonly Root[]): Source<never> {
  const looks = fromAsync(async () => {
    for (const { path } of roots) {
      await stat(path).catch((cause: unknown) => {
        const message = `${path} cannot be found, and 'mustExist' is set: ${messageOf(cause)}`;
        throw new DatasyncError('UNREADABLE', message, { cause, backend: 'files', file: path });
      });
    }
  });
  return looks.pipe(ignoreElements());
}
