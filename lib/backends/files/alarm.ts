import { defer, merge, type Observable, Subject, startWith, switchMap, take, timer } from 'rxjs';

/** Milliseconds without a further hint after which a scan is due: most savings are several writes. */
const quiet = 100;
/** Milliseconds after the first hint at which it is due whatever comes. */
const limit = 500;

/** Says when the next scan is due, from hints that something changed. A hint during a scan is not lost: it asks for another. */
export class Alarm {
  readonly #hints = new Subject<void>();
  #rung = false;

  /** Something may have changed. */
  ring(): void {
    this.#rung = true;
    this.#hints.next();
  }

  /** A scan begins: it sees whatever was hinted at until now. */
  reset(): void {
    this.#rung = false;
  }

  /**
   * Emits once, when a scan is due.
   *
   * @param rest milliseconds after which one is due without any hint
   * @param took how long the last one took, in milliseconds: a long one must not follow on its own heels
   */
  due(rest: number, took: number): Observable<unknown> {
    return defer(() => {
      const hints = this.#rung ? this.#hints.pipe(startWith(undefined)) : this.#hints;
      const calm = hints.pipe(switchMap(() => timer(Math.max(quiet, took))));
      const late = hints.pipe(
        take(1),
        switchMap(() => timer(Math.max(limit, 4 * took))),
      );
      return merge(calm, late, timer(Math.max(rest, 10 * took))).pipe(take(1));
    });
  }
}
