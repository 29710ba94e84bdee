import type { Observable } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { DatasyncError } from '../model/errors.ts';
import { checkArgument, isObject, rule, shown } from '../model/options.ts';

/** One page, and the token of the next; without `next` it was the last. */
export interface Fetched<Page, Token> {
  readonly page: Page;
  readonly next?: Token;
}

/**
 * The pages of a promise API, one request at a time. Unsubscribing aborts the signal, and nothing comes after it.
 *
 * @param fetch asks for one page; the first time without a token
 * @throws DatasyncError `INVALID_CONFIG` at once, where it is no function
 * @returns all pages, then completes; a rejected promise is an error, and so is one that resolves to no page (`INVALID_CONFIG`)
 */
export function fromPages<Page, Token = string>(
  fetch: (token: Token | undefined, signal: AbortSignal) => PromiseLike<Fetched<Page, Token>>,
): Observable<Page> {
  checkArgument('fromPages', 'fetch', fetch, rule.callback);
  return cold((subscriber) => {
    const controller = new AbortController();
    subscriber.add(() => controller.abort());

    const fail = (error: unknown): void => {
      // Closed, it is most likely the abort itself; rxjs would report it.
      if (!subscriber.closed) subscriber.error(error);
    };
    const take = (fetched: Fetched<Page, Token>): void => {
      if (subscriber.closed) return;
      if (!isObject(fetched) || !('page' in fetched)) {
        const message = `fromPages: 'fetch' must resolve to { page, next }, not ${shown(fetched)}`;
        throw new DatasyncError('INVALID_CONFIG', message);
      }
      const { page, next } = fetched;
      subscriber.next(page);
      // `next` may have unsubscribed.
      if (subscriber.closed) return;
      if (next === undefined) subscriber.complete();
      else ask(next);
    };
    const ask = (token: Token | undefined): void => {
      // Also what is no Promise, or no page, must not end as an unhandled rejection.
      try {
        fetch(token, controller.signal).then((fetched) => {
          try {
            take(fetched);
          } catch (error) {
            fail(error);
          }
        }, fail);
      } catch (error) {
        fail(error);
      }
    };

    ask(undefined);
  });
}
