import { concat, defer, map, type Observable } from 'rxjs';
import { withSignal } from '../internal/withSignal.ts';
import type { Capabilities } from '../model/capabilities.ts';
import type { Backend, ChangesFrame, Frame, OpenContext, ProgressFrame, RawEntry } from './frames.ts';

/** A part of a listing; all pages of one listing stand at one position. */
export interface PinnedPage<P> {
  readonly entries: readonly RawEntry[];
  readonly position: P;
  /** The store's revision at that position. */
  readonly revision: number;
}

/** What a store with positions offers. */
export interface PinnedStore<P> {
  /** For messages. Default: `custom`. */
  readonly name?: string;
  /**
   * Lists everything under `prefixes` at one position, in at least one page, also when there is nothing.
   * With `at` it lists the state at that position, or fails with `ContinuityLost`.
   */
  readonly list: (request: {
    readonly prefixes: readonly string[];
    readonly at: P | undefined;
    readonly signal: AbortSignal;
  }) => Observable<PinnedPage<P>>;
  /** Everything that happened after `from`, for ever; fails with `ContinuityLost` where that is not known any more. */
  readonly watch: (request: {
    readonly prefixes: readonly string[];
    readonly from: P;
    readonly signal: AbortSignal;
  }) => Observable<ChangesFrame<P> | ProgressFrame<P>>;
  /** Over those of the helper: what this store does better or worse. */
  readonly capabilities?: Partial<Capabilities>;
  /** See {@link Backend.maxSilence}. */
  readonly maxSilence?: number;
}

/**
 * A backend for stores that can list at a position and watch from there (etcd, memory, PostgreSQL): no gap and no
 * duplicate, because the watch starts where the listing stood. A prefix added later is listed at the position we stand at.
 *
 * @param store how to list and to watch
 * @returns a backend for `fromBackend`
 */
export function pinned<P>(store: PinnedStore<P>): Backend<P> {
  const watch = (prefixes: readonly string[], from: P): Observable<Frame<P>> =>
    withSignal((signal) => store.watch({ prefixes, from, signal }));

  const listThenWatch = ({ prefixes, added, from: at }: OpenContext<P>): Observable<Frame<P>> => {
    let last: PinnedPage<P> | undefined;
    const pages = withSignal((signal) => store.list({ prefixes: added, at, signal })).pipe(
      map((page): Frame<P> => {
        last = page;
        return { type: 'page', entries: page.entries, revision: page.revision };
      }),
    );
    const end = defer((): Frame<P>[] => {
      if (last === undefined) throw new Error('the listing ended without a page, so without a position');
      const { revision, position } = last;
      return [{ type: 'snapshot', revision, position, ...(at === undefined ? {} : { scope: added }) }];
    });
    return concat(
      pages,
      end,
      defer(() => watch(prefixes, last!.position)),
    );
  };

  return {
    name: store.name ?? 'custom',
    ...(store.maxSilence === undefined ? {} : { maxSilence: store.maxSilence }),
    capabilities: {
      handOver: 'pinned',
      order: 'global',
      atomic: 'revision',
      resume: 'log',
      deletes: 'live+resync',
      prev: 'tracked',
      progress: 'none',
      nack: 'local',
      empty: 'distinguishable',
      revision: 'store',
      ...store.capabilities,
    },
    open: (context) =>
      context.from !== undefined && context.added.length === 0
        ? watch(context.prefixes, context.from)
        : listThenWatch(context),
  };
}
