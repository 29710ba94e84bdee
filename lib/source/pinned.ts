import type { Observable } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { attach } from '../internal/connect.ts';
import { withSignal } from '../internal/withSignal.ts';
import type { Capabilities } from '../model/capabilities.ts';
import { checkOptions, rule } from '../model/options.ts';
import { storeRules } from './config.ts';
import type { Backend, ChangesFrame, Frame, OpenContext, ProgressFrame, RawEntry } from './frames.ts';
import { observed } from './observed.ts';

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
  /**
   * Everything that happened after `from`, for ever; fails with `ContinuityLost` where that is not known any more.
   * A progress frame as soon as it stands says that a resumed connection is live: without one, only the first change does.
   */
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
 * @example
 * // `client.list` promises one page of entries, and the token of the next; all pages of one listing stand at one position.
 * pinned<number>({
 *   list: ({ prefixes, at, signal }) =>
 *     fromPages(async (token) => {
 *       const { entries, revision, next } = await client.list({ prefixes, at, token, signal });
 *       return { page: { entries, revision, position: revision }, next };
 *     }),
 *   watch: ({ prefixes, from, signal }) => client.watch({ prefixes, from, signal }), // an Observable of frames
 * })
 *
 * @see {@link fromPages} and rxjs `defer` for what gives Promises: `list` and `watch` must return Observables
 * @param store how to list and to watch
 * @returns a backend for `fromBackend`; where a function returns no Observable, the subscription ends with `INVALID_CONFIG`
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function pinned<P>(store: PinnedStore<P>): Backend<P> {
  checkOptions('pinned', store, { list: rule.callback, watch: rule.callback, ...storeRules }, ['list', 'watch']);
  const name = store.name ?? 'custom';
  const watch = (prefixes: readonly string[], from: P): Observable<Frame<P>> =>
    withSignal((signal) => observed("pinned: 'watch'", name, store.watch({ prefixes, from, signal })));

  const listThenWatch = ({ prefixes, added, from: at }: OpenContext<P>): Observable<Frame<P>> =>
    cold((subscriber) => {
      const error = (cause: unknown): void => subscriber.error(cause);
      let last: PinnedPage<P> | undefined;
      const listed = (): void => {
        if (last === undefined) {
          error(new Error('the listing ended without a page, so without a position'));
          return;
        }
        const { revision, position } = last;
        subscriber.next({ type: 'snapshot', revision, position, ...(at === undefined ? {} : { scope: added }) });
        // Handed on as it is: an operator around the watch would cost every frame.
        if (!subscriber.closed) subscriber.add(watch(prefixes, position).subscribe(subscriber));
      };
      attach(
        subscriber,
        withSignal((signal) => observed("pinned: 'list'", name, store.list({ prefixes: added, at, signal }))),
        {
          next: (page) => {
            // Whatever changed between two pages would be lost.
            if (last !== undefined && last.revision !== page.revision) {
              error(
                new Error(`the pages of one listing stand at different revisions: ${last.revision}, ${page.revision}`),
              );
              return;
            }
            last = page;
            subscriber.next({ type: 'page', entries: page.entries, revision: page.revision });
          },
          error,
          complete: listed,
        },
      );
    });

  return {
    name,
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
