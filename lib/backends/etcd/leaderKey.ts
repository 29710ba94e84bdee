import { interval, type Observable, retry, throwError, timer } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { DatasyncError } from '../../model/errors.ts';
import { RangeAnswer } from './answers.ts';
import type { Calls } from './calls.ts';
import { keyBytes } from './keys.ts';
import { oneKey, rangeRequest } from './messages.ts';
import { Patience } from './patience.ts';
import { watched } from './watching.ts';

/** The key by which somebody leads. */
export interface LeaderKey {
  readonly key: string;
  /** Of its creation: with another one it is somebody else's. */
  readonly revision: number;
}

const again = 500;

/**
 * Watches the key of a leader for as long as it is subscribed, with one read for each time that the watch begins.
 *
 * Errors: `LEASE_LOST`, when the key is gone, or was made anew; `ACCESS_DENIED`, `FATAL`. Emits nothing, and never completes.
 *
 * @param every milliseconds between two questions whether the watch is alive
 */
export function keepKey(calls: Calls, { key, revision }: LeaderKey, every: number): Observable<never> {
  const patience = new Patience(every);
  const gone = (): DatasyncError =>
    new DatasyncError('LEASE_LOST', 'the key by which it led was deleted', { backend: 'etcd', key });
  const request = rangeRequest(oneKey(keyBytes(key, 'utf8')), { keysOnly: true });
  const isThere = async (): Promise<boolean> => {
    const answer = new RangeAnswer(await calls.read('KV', 'Range', request, { what: 'the key of a leader', key }));
    return answer.next() && answer.cursor.created === revision;
  };
  const watching = calls.over((link) =>
    cold<never>((subscriber) => {
      const fail = (error: unknown): void => {
        if (!subscriber.closed) subscriber.error(error);
      };
      const frames = watched({
        ...{ link, patience, prefixes: [key], encoding: 'utf8', watch: 'span', ordersProgress: false, room: undefined },
        from: { revision, cluster: '', term: 0, witnesses: [] },
        fromNow: true,
        standing: (watch) => {
          // Whatever happens to it from now on is heard; what happened before, it shows.
          isThere().then((is) => (is ? undefined : fail(gone())), fail);
          subscriber.add(interval(every).subscribe({ next: () => watch.ask(revision), error: fail }));
        },
      });
      subscriber.add(
        frames.subscribe({
          next: (frame) => {
            const isGone =
              frame.type === 'changes' && frame.changes.some((each) => each.op === 'delete' && each.key === key);
            if (isGone) fail(gone());
          },
          error: fail,
        }),
      );
    }),
  );
  return watching.pipe(retry({ delay: (error: unknown) => (isFinal(error) ? throwError(() => error) : timer(again)) }));
}

/** Nothing that another stream could mend. */
function isFinal(error: unknown): boolean {
  return error instanceof DatasyncError && !['CONNECTION_LOST', 'DEAD_STREAM', 'REFUSED'].includes(error.code);
}
