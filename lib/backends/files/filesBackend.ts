import {
  asyncScheduler,
  concat,
  concatMap,
  defer,
  finalize,
  from,
  ignoreElements,
  mergeMap,
  type Observable,
  repeat,
  take,
} from 'rxjs';
import { fromAsync } from '../../internal/fromAsync.ts';
import type { Capabilities } from '../../model/capabilities.ts';
import type { DatasyncError } from '../../model/errors.ts';
import { type Backend, FatalError, type Frame } from '../../source/frames.ts';
import { Alarm } from './alarm.ts';
import { Clashes } from './clashes.ts';
import { type FilesOptions, resolveFilesOptions, withoutWatcher } from './config.ts';
import { remembered } from './fileState.ts';
import { loadPeer } from './peer.ts';
import { nothingScanned, type Scanned, scan } from './scan.ts';
import { ShrinkGuard } from './shrinkGuard.ts';
import { targetsOf } from './targets.ts';
import { Teller } from './teller.ts';
import { Watchers } from './watchers.ts';

const capabilities: Capabilities = {
  handOver: 'scanned',
  order: 'none',
  atomic: 'none',
  resume: 'none',
  deletes: 'live+resync',
  prev: 'tracked',
  progress: 'none',
  nack: 'local',
  empty: 'distinguishable',
  revision: 'subscription',
  reasons: {
    order: 'a scan shows what changed since the one before, not in which order',
    atomic: 'one file is read as a whole, but several files that are saved together may be seen one by one',
    resume: 'a file system keeps no history',
    progress: 'a scan that finds nothing is not told',
    revision: 'a file system has no revision that orders all files',
  },
};

/** Milliseconds between two looks at least, whatever is due. */
const shortest = 50;

/** These mean that it will never work; said at the start, since later it would take away what works. */
const fatal: ReadonlySet<string> = new Set(['INVALID_CONFIG', 'MISSING_PEER']);

/**
 * Files in the format `data: [{ key, value }]`, for `fromBackend`; values are handed over as JSON text in UTF-8.
 *
 * A watcher hints that something changed, a scan finds out what; nothing but how the files ended and which keys they had is kept between two connections. A file that cannot
 * be parsed rejects the keys it last held; what is missing or cannot be read keeps its entries; either makes the
 * subscription stale. Of a key that two files have the second is refused. A first snapshot that would be empty because of such troubles is not told until they are over.
 *
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function filesBackend(options: FilesOptions): Backend<never> {
  const resolved = resolveFilesOptions('filesBackend', options);
  const { roots, reading, instancePrefix, onShrink, rescan, usePolling } = resolved;
  /** A file must not pass for whole, nor a directory for empty, because it is looked at anew. */
  let known: Pick<Scanned, 'files' | 'filled'> = nothingScanned;
  /** What it takes to end a subscription was not there at the start. */
  let hasWorked = false;

  return {
    name: 'files',
    capabilities,
    open: ({ prefixes, ready }) =>
      defer(() => {
        const alarm = new Alarm();
        const teller = new Teller(prefixes, instancePrefix, new Clashes(reading), known === nothingScanned);
        const guard = onShrink && new ShrinkGuard(onShrink);
        let watchers: Watchers | undefined;
        let last: Scanned | undefined;
        let took = 0;
        /** Something cannot be watched, or read, or there is nothing yet to watch: no hints come from there. */
        let blind = false;

        // The watcher comes first: what happens before it is armed is in the scan, what happens after is hinted at.
        const arm = fromAsync(async (signal) => {
          const { watch } = await importChokidar();
          const targets = await targetsOf(roots);
          if (signal.aborted) return;
          watchers = new Watchers(watch, () => alarm.ring());
          watchers.follow(targets);
        }).pipe(
          mergeMap(() => watchers!.ready()),
          ignoreElements(),
        );

        const tell = (found: Scanned, signal: AbortSignal): Promise<Frame<never>[]> => {
          const hopeless = found.problems.find(({ code }) => fatal.has(code));
          if (!hasWorked && hopeless !== undefined) throw new FatalError(hopeless.message, { cause: hopeless });
          last = found;
          if (found.unsettled) alarm.ring();
          watchers?.follow(found.targets);
          blind =
            watchers?.trouble !== undefined ||
            [...found.targets.values()].includes(undefined) ||
            found.problems.some(({ code }) => code === 'UNREADABLE' || code === 'SHRUNK');
          return teller.frames(guard?.check(found) ?? found, watchers?.trouble, signal).then((frames) => {
            hasWorked ||= teller.hasTold;
            return frames;
          });
        };

        const look: Observable<Frame<never>> = defer(() => {
          alarm.reset();
          const start = asyncScheduler.now();
          return fromAsync(async (signal) => {
            const found = await scan(resolved, last ?? { ...nothingScanned, ...known }, signal);
            // The first one reads everything, which says nothing of the next.
            took = last === undefined ? 0 : Math.max(0, asyncScheduler.now() - start);
            signal.throwIfAborted();
            return tell(found, signal);
          }).pipe(concatMap((frames) => from(frames)));
        });

        /** Milliseconds until a file that is being written will be whole, if it is waited for. */
        const untilWhole = (): number => {
          const { at, isAwaited } = last?.whole ?? { at: Infinity, isAwaited: false };
          return isAwaited || teller.isHolding ? Math.max(shortest, at - asyncScheduler.now()) : Infinity;
        };
        const rest = (): number =>
          Math.min(blind ? withoutWatcher(resolved) : rescan, guard?.due ?? Infinity, untilWhole());
        const again = defer(() => alarm.due(rest(), took)).pipe(
          concatMap(() => ready().pipe(take(1))),
          concatMap(() => look),
          repeat(),
        );

        return concat(usePolling ? [] : arm, look, again).pipe(
          finalize(() => {
            if (last !== undefined) known = { files: remembered(last.files), filled: last.filled };
            watchers?.close();
          }),
        );
      }),
  };
}

async function importChokidar(): Promise<typeof import('chokidar')> {
  try {
    return await loadPeer('chokidar', 'watching files (without `usePolling`)', () => import('chokidar'));
  } catch (error) {
    throw new FatalError((error as DatasyncError).message, { cause: error });
  }
}
