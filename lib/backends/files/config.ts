import { resolve } from 'node:path';
import { checkOptions, type Rules, rule, wrongElement } from '../../model/options.ts';
import type { SourceConfig } from '../../source/config.ts';

/** What the files backend takes. */
export interface FilesOptions {
  /**
   * Files and directories, at least one, relative to the working directory at the time of the call. Directories are read
   * recursively (`.json`, `.yaml`, `.yml`; names that start with a dot are left out). Where two files hold the same key, the
   * first path wins, below a directory the first name.
   */
  readonly paths: readonly string[];
  /**
   * Milliseconds after which everything is looked at again even though no watcher said a word: it finds what the watcher
   * missed. At most 1,000 while a path is missing or cannot be watched, and longer where one look takes more than a tenth of
   * it. Default: 5,000; with `usePolling` 1,000.
   */
  readonly rescan?: number;
  /** Watch nothing, only look every `rescan` ms: for file systems that send no events (network, containers). Default: false. */
  readonly usePolling?: boolean;
}

/** The configuration of `fromFiles`. */
export interface FromFilesConfig<T> extends SourceConfig<T>, FilesOptions {
  /** End with `UNREADABLE` where a path does not exist when a subscription starts; otherwise it is waited for. Default: false. */
  readonly mustExist?: boolean;
}

/** {@link FilesOptions} with the defaults, checked. */
export interface ResolvedFilesOptions {
  /** Absolute, each once. */
  readonly paths: readonly string[];
  readonly rescan: number;
  readonly usePolling: boolean;
}

/** Longer than that a lost event must not stay unseen where there is no watcher. */
const pollingRescan = 1_000;

/** The table of {@link FilesOptions}. */
export const filesRules: Rules = {
  paths: [isPaths, 'an array of at least one path', wrongElement(rule.text[0])],
  rescan: [(value) => rule.milliseconds[0](value) && (value as number) >= 10, 'a number of milliseconds, 10 or more'],
  usePolling: rule.flag,
};

/** @throws DatasyncError `INVALID_CONFIG` */
export function resolveFilesOptions(where: string, options: FilesOptions): ResolvedFilesOptions {
  checkOptions(where, options, filesRules, ['paths']);
  const { paths, usePolling = false, rescan = usePolling ? pollingRescan : 5_000 } = options;
  return { paths: [...new Set(paths.map((path) => resolve(path)))], rescan, usePolling };
}

/** How often to look where no watcher works. */
export function withoutWatcher({ rescan }: ResolvedFilesOptions): number {
  return Math.min(rescan, pollingRescan);
}

function isPaths(value: unknown): boolean {
  return rule.texts[0](value) && (value as string[]).length > 0 && !(value as string[]).includes('');
}
