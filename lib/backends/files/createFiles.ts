/// <reference lib="esnext.disposable" preserve="true" />
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Broker } from '../../model/broker.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { Source } from '../../model/events.ts';
import { checkOptions, rule } from '../../model/options.ts';
import { type FilesOptions, type FromFilesConfig, filesRules } from './config.ts';
import { type FilesBrokerConfig, filesBroker } from './filesBroker.ts';
import { checkStatusPath, type FilesStatusConfig, filesStatus } from './filesStatus.ts';
import { fromFiles } from './fromFiles.ts';
import { rootOf } from './root.ts';
import { announceStatusFile, canonical, isStatusFile } from './statusFiles.ts';

/** The configuration of {@link createFiles}. */
export interface CreateFilesConfig extends FilesOptions {
  /** The file that holds the status; not one of `paths`, but it may lie below one. */
  readonly statusPath?: string;
}

/** Files as a data store: configuration that is read, status that is written. */
export interface FilesStore extends AsyncDisposable {
  /** Absolute; missing where no status is kept. */
  readonly statusPath?: string;
  /** {@link fromFiles} of the configured paths. */
  source<T = unknown>(config: Omit<FromFilesConfig<T>, keyof FilesOptions>): Source<T>;
  /** {@link filesBroker} of the configured paths: it reads, and refuses to write. */
  broker<T = unknown>(config?: Omit<FilesBrokerConfig<T>, keyof FilesOptions>): Broker<T>;
  /** {@link filesStatus} of the status file. @throws DatasyncError `INVALID_CONFIG`, where there is none */
  status<T = unknown>(config?: Omit<FilesStatusConfig<T>, 'path'>): Broker<T>;
  /** Writes what the status brokers still hold back. Sources end with their subscriptions. */
  close(): Promise<void>;
}

/**
 * The file system as a data store, as cn-infra's FileDB: configuration comes from files that others write, status goes
 * to one file that is never read as configuration, also where it lies among them.
 *
 * @example
 * const files = createFiles(await filedbConfig('filedb.conf'));
 * const { prefix } = serviceLabel();
 * files.source({ prefixes: [`${prefix}config/`] }).subscribe(apply);
 * await files.status({ prefix: `${prefix}status/` }).put('eth0', { state: 'up' });
 *
 * @param config see {@link CreateFilesConfig}; {@link filedbConfig} makes one of a `filedb.conf`
 * @throws DatasyncError `INVALID_CONFIG` at once, where an option is wrong, or the status path is a directory, a link, or one
 * of `paths`, by whatever name
 */
export function createFiles(config: CreateFilesConfig): FilesStore {
  checkOptions('createFiles', config, { ...filesRules, statusPath: rule.text }, ['paths']);
  const { statusPath, ...options } = config;
  const path = statusPath === undefined ? undefined : announced(statusPath, options.paths);
  const writers: Pick<Broker<unknown>, 'close'>[] = [];
  const close = async (): Promise<void> => {
    for (const writer of writers.splice(0)) await writer.close();
  };
  return {
    ...(path === undefined ? {} : { statusPath: path }),
    source: (rest) => fromFiles({ ...rest, ...options }),
    broker: (rest) => filesBroker({ ...rest, ...options }),
    status: (rest) => {
      if (path === undefined)
        throw refusal('no status can be kept: there is no statusPath (`status-path` of a filedb.conf)');
      const writer = filesStatus({ ...rest, path });
      writers.push(writer);
      return writer;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function announced(statusPath: string, paths: readonly string[]): string {
  checkStatusPath('createFiles', statusPath);
  const path = announceStatusFile(statusPath);
  const roots = paths.map((each) => rootOf(resolve(each), true, []).path);
  if (!roots.some((each) => canonical(each) === path || isStatusFile(realOf(each)))) return path;
  throw refusal(`the status file ${statusPath} is one of the paths that are read as configuration`);
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function refusal(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', `createFiles: ${message}`, { backend: 'files' });
}
