import { type Observable, tap } from 'rxjs';
import type { DatasyncEvent } from '../../model/events.ts';
import type { SourceStage, SourceSubject } from './subject.ts';

/**
 * A consumer right at the source: works on every event as it comes, several at once.
 *
 * @param isSilent whether it says nothing of an event
 */
export function bare(isSilent: () => boolean): NonNullable<SourceSubject<unknown>['pipeline']> {
  return (source: Observable<DatasyncEvent<unknown>>, { history, work, place }) =>
    source.pipe(
      history.tap('source', place),
      tap((event) => {
        if (isSilent()) void work(event);
        else consume(event, work);
      }),
    );
}

function consume(event: DatasyncEvent<unknown>, work: SourceStage['work']): void {
  const claim = event.claim();
  const fail = (error: unknown): void => claim.fail(error);
  try {
    const working = work(event);
    if (working === undefined) claim.done();
    else working.subscribe({ error: fail, complete: () => claim.done() });
  } catch (error) {
    fail(error);
  }
}
