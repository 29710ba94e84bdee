import { concat, concatMap, defer, type Observable, repeat, timer } from 'rxjs';
import { withSignal } from '../internal/withSignal.ts';
import type { Capabilities } from '../model/capabilities.ts';
import { checkOptions, rule } from '../model/options.ts';
import { storeRules } from './config.ts';
import type { Backend, Frame, RawEntry } from './frames.ts';
import { observed } from './observed.ts';

/** A part of a listing; all pages of one answer stand at one position. */
export interface DiffedPage<P> {
  readonly entries: readonly RawEntry[];
  readonly position: P;
  readonly revision?: number;
}

/** One answer: pages until it completes, or `'unchanged'`. */
export type DiffedList<P> = (request: {
  readonly prefixes: readonly string[];
  /** The position of the last answer of this connection; `undefined` for its first. */
  readonly since: P | undefined;
  readonly signal: AbortSignal;
}) => Observable<DiffedPage<P> | 'unchanged'>;

/** Options of {@link diffed}. */
export interface DiffedOptions {
  /** For messages. Default: `custom`. */
  readonly name?: string;
  /** Milliseconds between an answer and the next question. Default: none, for a `list` that waits for news itself. */
  readonly every?: number;
  readonly capabilities?: Partial<Capabilities>;
  /** See {@link Backend.maxSilence}. */
  readonly maxSilence?: number;
}

/** Between two questions to a `list` that answers without waiting: a store that is asked in a tight loop never gets to answer. */
const floor = 1;

/**
 * A backend for stores that can only be listed (Consul's blocking queries, ETags, polls): listed again and again, each
 * answer told as the difference. The next question waits until the subscriber has room.
 *
 * @param list asks once
 * @returns a backend for `fromBackend`; where `list` returns no Observable, the subscription ends with `INVALID_CONFIG`
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function diffed<P>(list: DiffedList<P>, options: DiffedOptions = {}): Backend<never> {
  checkOptions('diffed', { list }, { list: rule.callback }, ['list']);
  checkOptions('diffed', options, { every: rule.milliseconds, ...storeRules });
  const { name = 'custom' } = options;
  return {
    name,
    ...(options.maxSilence === undefined ? {} : { maxSilence: options.maxSilence }),
    capabilities: {
      handOver: 'diffed',
      order: 'none',
      atomic: 'none',
      resume: 'none',
      deletes: 'live+resync',
      prev: 'tracked',
      progress: 'synthesised',
      nack: 'local',
      empty: 'distinguishable',
      revision: 'subscription',
      ...options.capabilities,
      reasons: {
        order: 'an answer shows what changed, not in which order',
        atomic: 'an answer may hold several transactions',
        resume: 'the store keeps no history',
        revision: 'an answer has no revision that orders all keys',
        ...options.capabilities?.reasons,
      },
    },
    open: ({ prefixes, ready }) => {
      let since: P | undefined;
      let answered = false;

      const ask = defer((): Observable<Frame<never>> => {
        let page: DiffedPage<P> | 'unchanged' | undefined;
        const pages = withSignal((signal) => observed("diffed: 'list'", name, list({ prefixes, since, signal }))).pipe(
          concatMap((answer): Frame<never>[] => {
            page = answer;
            if (answer === 'unchanged') return [{ type: 'progress' }];
            return [{ type: 'page', entries: answer.entries, ...revisionOf(answer) }];
          }),
        );
        const end = defer((): Frame<never>[] => {
          if (page === undefined)
            throw new Error('an answer without a page: an empty one has no entries, and a position');
          if (page === 'unchanged') {
            if (!answered) throw new Error("'unchanged' before there was any answer to compare with");
            return [];
          }
          answered = true;
          since = page.position;
          return [{ type: 'snapshot', ...revisionOf(page) }];
        });
        return concat(pages, end);
      });

      const room = defer(ready).pipe(concatMap(() => ask));
      return room.pipe(repeat({ delay: () => timer(options.every ?? floor) }));
    },
  };
}

function revisionOf({ revision }: { readonly revision?: number }): { readonly revision?: number } {
  return revision === undefined ? {} : { revision };
}
