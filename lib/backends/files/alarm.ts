import { asyncScheduler, defer, merge, type Observable, Subject, startWith, switchMap, take, timer } from 'rxjs';

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
   * @param took how long the last one took, in milliseconds, which is over now: the next one must not follow on its heels
   */
  due(rest: number, took: number): Observable<unknown> {
    return defer(() => {
      const end = asyncScheduler.now();
      /** At least so many milliseconds from now on, and so many after the last scan. */
      const after = (least: number, sinceLast: number) =>
        timer(Math.max(least, end + sinceLast - asyncScheduler.now()));
      const hints = this.#rung ? this.#hints.pipe(startWith(undefined)) : this.#hints;
      const calm = hints.pipe(switchMap(() => after(quiet, took)));
      const late = hints.pipe(
        take(1),
        switchMap(() => after(limit, 4 * took)),
      );
      return merge(calm, late, timer(Math.max(rest, 10 * took))).pipe(take(1));
    });
  }
}
