import { resolve } from 'node:path';
import type { Codec } from '../../model/codec.ts';
import { checkOptions, oneOf, type Rules, rule, wrongElement } from '../../model/options.ts';
import type { SourceConfig } from '../../source/config.ts';
import type { Project, Reading } from './parse.ts';
import { type Root, rootOf } from './root.ts';

/**
 * When a loss of keys is not believed at once. Each look is compared with the one before: what is lost little by little, a file now and one
 * a second later, is believed. A configured directory that is another one and empty is not believed for 5 seconds anyway.
 */
export interface ShrinkConfig {
  /**
   * A file that loses more than this share of its keys at one look is held; so are files that go away together with more than
   * this share of all keys. Keys that other files have now are not lost. More than 0, less than 1. Default: 0.5.
   */
  readonly share?: number;
  /**
   * Milliseconds for which the loss must have been seen unchanged to be believed. `Infinity`: it never is, but a resync takes what
   * is there then: let `resyncOn` emit. Default: 2,000.
   */
  readonly confirm?: number;
}

/** What the files backend takes. */
export interface FilesOptions {
  /**
   * Files, directories and globs, at least one, relative to the working directory at the time of the call. Of directories all
   * `.json`, `.yaml` and `.yml` files are read, but for names that start with a dot. In globs `*` and `?` are any characters of
   * a name, `**` any directories, `{a,b}` one of these, and a backslash before such a sign is for names that have it (not on
   * Windows); what matches may also be a directory's file of these formats only.
   * Where two files hold the same key, the first path wins, below a directory the first name.
   */
  readonly paths: readonly string[];
  /** Whether the directories below a configured one are read too. Default: true. */
  readonly recursive?: boolean;
  /**
   * Globs of what is left out below configured directories: `'*.local.yaml'` by name at any depth, `'drafts/**'` with a slash by
   * the path below the configured one (of a glob: below its part without special characters). What is left out is not watched either.
   */
  readonly ignore?: readonly string[];
  /**
   * What it means that a configured path is missing. `keep`: a trouble, what was last read of it stays; and where an empty
   * directory stands in place of one that had files, as where a volume is not mounted, that is believed only after 5 seconds.
   * `empty`: that it has no entries. Default: `keep`.
   */
  readonly missing?: 'keep' | 'empty';
  /**
   * Keeps only keys that start with this, `/vnf-agent/vpp1/` for example: what the files say for other instances is not told, even
   * where `prefixes` would. Default: all keys.
   */
  readonly instancePrefix?: string;
  /**
   * The line that a YAML file must end with, `...` or `# end`: a file without it is one of which a part is missing. It may stand at
   * the end only: with several documents, have `---` alone between them, or take another line.
   */
  readonly endMarker?: string;
  /**
   * Milliseconds for which a YAML file that is written over in place, and without an `endMarker`, must have stood still before it is
   * believed that it has lost keys, or its end: a half of it mostly passes for the whole. Default: 1,000.
   */
  readonly settle?: number;
  /**
   * Whether values that are texts hold JSON, as the stores have it: `value: '{"mtu": 1500}'`. Default: false; of sources and
   * brokers true where the codec is `protobufCodec(…, { format: 'json' })`.
   */
  readonly jsonStrings?: boolean;
  /**
   * Tells the entries of each document, for files that are not `data: [{ key, value }]`; called with what JSON or YAML made of it,
   * once for each time its file was changed. What it throws is an error of the file.
   */
  readonly project?: Project;
  /** Holds back large losses of keys until they are confirmed. Default: they are told as all else. */
  readonly onShrink?: ShrinkConfig;
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
  /** Each once. */
  readonly roots: readonly Root[];
  readonly reading: Reading;
  readonly missing: 'keep' | 'empty';
  readonly settle: number;
  readonly instancePrefix: string;
  readonly onShrink: Required<ShrinkConfig> | undefined;
  readonly rescan: number;
  readonly usePolling: boolean;
}

/** Longer than that a lost event must not stay unseen where there is no watcher. */
const pollingRescan = 1_000;

const isPart = (value: unknown): boolean => typeof value === 'number' && value > 0 && value < 1;
const isLine = (value: unknown): boolean =>
  typeof value === 'string' && value.trim() === value && /^[^\n]+$/.test(value);

/** The table of {@link FilesOptions}. */
export const filesRules: Rules = {
  paths: [isPaths, 'an array of at least one path', wrongElement(rule.text[0])],
  recursive: rule.flag,
  ignore: [isGlobs, 'an array of globs', wrongElement(rule.text[0])],
  missing: oneOf('keep', 'empty'),
  instancePrefix: rule.text,
  endMarker: [isLine, 'one line, without white space around it'],
  settle: rule.milliseconds,
  jsonStrings: rule.flag,
  project: rule.callback,
  onShrink: {
    share: [isPart, 'a number between 0 and 1'],
    confirm: [(value) => value === Infinity || rule.milliseconds[0](value), 'a number of milliseconds, or Infinity'],
  },
  rescan: [(value) => rule.milliseconds[0](value) && (value as number) >= 10, 'a number of milliseconds, 10 or more'],
  usePolling: rule.flag,
};

/** @throws DatasyncError `INVALID_CONFIG` */
export function resolveFilesOptions(where: string, options: FilesOptions): ResolvedFilesOptions {
  checkOptions(where, options, filesRules, ['paths']);
  const { paths, recursive = true, ignore = [], missing = 'keep', instancePrefix = '', onShrink } = options;
  const { endMarker, jsonStrings, project, usePolling = false } = options;
  return {
    roots: [...new Set(paths.map((path) => resolve(path)))].map((path) => rootOf(path, recursive, ignore)),
    reading: { endMarker, jsonStrings, project },
    missing,
    settle: options.settle ?? 1_000,
    instancePrefix,
    onShrink: onShrink && { share: onShrink.share ?? 0.5, confirm: onShrink.confirm ?? 2_000 },
    rescan: options.rescan ?? (usePolling ? pollingRescan : 5_000),
    usePolling,
  };
}

/** The codec for which a text in a file is JSON: a message is never a text. */
const protobufInJson = 'proto3 JSON';

/** The options that are given, and the defaults that are the codec's. */
export function optionsFor(options: object, { name: codec }: Pick<Codec<never>, 'name'>): FilesOptions {
  const given = Object.entries(options).filter(
    ([name, value]) => Object.hasOwn(filesRules, name) && value !== undefined,
  );
  return { jsonStrings: codec === protobufInJson, ...Object.fromEntries(given) } as unknown as FilesOptions;
}

/** How often to look where no watcher works. */
export function withoutWatcher({ rescan }: ResolvedFilesOptions): number {
  return Math.min(rescan, pollingRescan);
}

function isPaths(value: unknown): boolean {
  return isGlobs(value) && (value as string[]).length > 0;
}

function isGlobs(value: unknown): boolean {
  return rule.texts[0](value) && !(value as string[]).includes('');
}
