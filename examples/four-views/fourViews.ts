import { DatasyncError, type Source, type SourceStatus } from 'rx-datasync';
import {
  BehaviorSubject,
  combineLatest,
  concatMap,
  connect,
  defer,
  distinctUntilKeyChanged,
  filter,
  ignoreElements,
  map,
  merge,
  type Observable,
  retry,
  Subject,
  scan,
  switchMap,
  take,
  tap,
  timer,
  withLatestFrom,
} from 'rxjs';
import { type Changes, differences, firstStep, type Step, stepAfter, type Tree } from './steps.ts';
import type { Store } from './stores.ts';
import { blankView, connected, shows, told, treeOf, type View } from './view.ts';

/** What is to be seen at one moment. */
export interface Picture {
  readonly step: Step;
  readonly views: readonly View[];
  /** All four show what was written. */
  readonly isEqual: boolean;
}

/**
 * Writes one step after the other to all stores, and shows what is told of it: the next step comes when all views are equal.
 *
 * @param goOn emits when they have been looked at
 */
export function fourViews(stores: readonly Store[], goOn: Observable<unknown>): Observable<Picture> {
  return defer(() => {
    const steps = new BehaviorSubject(firstStep);
    return combineLatest([steps, combineLatest(stores.map((store) => viewOf(store, steps)))]).pipe(
      map(([step, views]) => ({ step, views, isEqual: views.every((view) => shows(view, step.tree)) })),
      connect((pictures) => {
        const next = pictures.pipe(
          filter(({ isEqual }) => isEqual),
          distinctUntilKeyChanged('step'),
          switchMap(({ step }) =>
            goOn.pipe(
              take(1),
              map(() => stepAfter(step)),
            ),
          ),
          tap((step) => steps.next(step)),
          ignoreElements(),
        );
        return merge(pictures, next);
      }),
    );
  });
}

function viewOf(store: Store, steps: Observable<Step>): Observable<View> {
  return defer(() => {
    const statuses = new Subject<SourceStatus>();
    const follow = (events: Source<string>): Observable<View> => {
      const views = merge(
        events.pipe(map((event) => (view: View) => told(view, event))),
        statuses.pipe(map((status) => (view: View) => connected(view, status))),
      ).pipe(scan((view, next) => next(view), blankView(store.name)));
      // A store may have been wiped, or restored from a backup: after each resync it gets what it lacks.
      const repairs = events.pipe(
        filter((event) => event.type === 'resync'),
        withLatestFrom(steps),
        map(([{ entries }, { tree }]) => ({ changes: differences(treeOf(entries), tree), tree })),
      );
      const writes = merge(steps, repairs).pipe(
        filter(({ changes }) => Object.keys(changes).length > 0),
        concatMap(({ changes, tree }) => written(store, changes, tree)),
      );
      return merge(views, writes);
    };
    return store.watch(statuses).pipe(connect(follow));
  });
}

/** Until it has worked: to put what is there already does no harm. */
function written(store: Store, changes: Changes, tree: Tree): Observable<never> {
  const patience = (error: unknown) => {
    const isPassing = error instanceof DatasyncError && ['CONNECTION_LOST', 'OUTCOME_UNKNOWN'].includes(error.code);
    if (!isPassing) throw error;
    return timer(200);
  };
  return defer(() => store.write(changes, tree)).pipe(retry({ delay: patience }), ignoreElements());
}
