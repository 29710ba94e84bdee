import { createHash } from 'node:crypto';
import type Consul from 'consul';
import { asyncScheduler, catchError, concatMap, defer, map, type Observable, of, tap } from 'rxjs';
import { DatasyncError } from '../../model/errors.ts';
import { ContinuityLost, type RawChange } from '../../source/frames.ts';
import { indexOf, type Listing, listingOf, namesOf } from './answers.ts';
import { areDenied, checkReadable, existing, hiddenError } from './hidden.ts';
import { type Answer, ask, consistent, type Limits } from './http.ts';
import { pathOf, spoken } from './keys.ts';
import type { Known } from './known.ts';
import type { ResolvedConsulOptions } from './options.ts';
import type { ShrinkGuard } from './shrinkGuard.ts';

const everything = { recurse: 'true', ...consistent };

/** Names at the top: little, and it changes its index with everything below. */
export const top = (separator: string): Readonly<Record<string, string>> => ({ keys: 'true', separator });

/** Bytes from which an answer is not asked for just to see whether it has changed: of one prefix, and of one of many. */
const [large, largeOfMany] = [65_536, 4_096];

/** Answers without news after which one looks at all names of a large prefix. */
export const looksAtNames = 30;

/** How often one looks before it is believed that keys which exist are hidden. */
const mostLooks = 4;

/** What is asked of parts and of the answers of Consul. */
export interface PartContext {
  readonly client: Consul;
  readonly options: ResolvedConsulOptions;
  readonly limits: Limits;
}

/** One prefix, as one connection sees it: looked at again and again. */
export class Part {
  /** What the subscription knows, also from the connections before. */
  readonly known: Known;
  /** The first look showed an older state than the connection before it. */
  wentBack = false;
  /** What is amiss, though answers come. */
  trouble: DatasyncError | undefined;
  /** Milliseconds until the next question. */
  pause: number;
  protected readonly context: PartContext;
  protected readonly what: string;
  readonly #guard: ShrinkGuard | undefined;
  readonly #path: string;
  /** Of the last answer; `undefined`: there was none on this connection. */
  #index: number | undefined;
  /** This connection has not said anything yet. */
  #isFirst = true;
  /** Of the answer by which news was looked for last; `undefined`: there was none of this kind. */
  #digest: string | undefined;
  #isLarge = false;
  /** Of the names of a large answer. */
  #names = '';
  /** Answers since then that showed nothing new. */
  #quiet = 0;

  constructor(context: PartContext, known: Known, guard: ShrinkGuard | undefined) {
    this.context = context;
    this.known = known;
    this.#guard = guard;
    const { prefix } = known;
    this.what = `reading the keys under ${JSON.stringify(prefix)}`;
    this.#path = pathOf(spoken(prefix));
    this.pause = context.options.every;
  }

  /** Milliseconds after which another look may settle something, though nothing changes; `undefined`: nothing is held. */
  get due(): number | undefined {
    return this.#guard?.due;
  }

  /** The first look of a connection, without an index: whatever was known of indexes may be of another store. */
  first(): Observable<readonly RawChange[]> {
    return this.list().pipe(
      concatMap((listing) => this.#compare(listing)),
      tap(() => {
        this.#isFirst = false;
      }),
    );
  }

  /** The next look: it waits for news, at most for `wait`. Emits what changed, which may be nothing. */
  next(): Observable<readonly RawChange[]> {
    return this.#isLarge ? this.#nextOfLarge() : this.#nextOfSmall();
  }

  /**
   * A look that does not wait.
   *
   * @param isWhole also where nothing seems to have changed
   */
  look(isWhole: boolean): Observable<readonly RawChange[]> {
    if (isWhole || !this.#isLarge) return this.readAll();
    return this.read({ ...top('/'), ...consistent }).pipe(
      concatMap((answer) => (this.isNews(answer) ? this.readAll() : of([]))),
    );
  }

  /** The same, for what a token may see, which changes without an index. */
  lookForHidden(): Observable<readonly RawChange[]> {
    return this.#isLarge ? this.#lookAtNames() : this.readAll();
  }

  #nextOfSmall(): Observable<readonly RawChange[]> {
    return this.wait(everything, (answer, isEarly) => {
      // What is not believed yet is looked at again, though nothing has changed.
      if (this.trouble !== undefined || this.isNews(answer)) return this.#compare(this.#listingOf(answer));
      return isEarly ? this.readAll() : of([]);
    });
  }

  /** An answer comes every `wait`, and again with each change: where it is large, only the names at the top are waited for. */
  #nextOfLarge(): Observable<readonly RawChange[]> {
    return this.wait(top('/'), (answer, isEarly) => {
      const isDue = this.#guard?.due !== undefined;
      if (this.isNews(answer) || isEarly || isDue) return this.readAll();
      this.#quiet += 1;
      // What a token may see changes without an index, and here without a name at the top.
      return this.trouble !== undefined || this.#quiet % looksAtNames === 0 ? this.#lookAtNames() : of([]);
    });
  }

  /** Whether other keys are listed than at the last look: without their values. */
  #lookAtNames(): Observable<readonly RawChange[]> {
    return this.read({ keys: 'true', ...consistent }).pipe(
      concatMap((answer) => {
        const { names, mangled } = namesOf(this.what, answer);
        return digestOfNames([...names, ...mangled]) === this.#names ? of([]) : this.readAll();
      }),
    );
  }

  /** Everything, and compares it. After a large one there is a pause for as long as it took. */
  protected readAll(): Observable<readonly RawChange[]> {
    return defer(() => {
      const start = asyncScheduler.now();
      return this.list().pipe(
        concatMap((listing) => this.#compare(listing)),
        tap(() => {
          const { every } = this.context.options;
          this.pause = this.#isLarge ? Math.max(every, asyncScheduler.now() - start) : every;
        }),
      );
    });
  }

  /** Everything that there is. */
  protected list(): Observable<Listing> {
    return this.read(everything).pipe(map((answer) => this.#listingOf(answer)));
  }

  /** Whether there is nothing, neither known nor listed: it might be hidden. */
  protected isNothing(listing: Listing): boolean {
    return this.known.size === 0 && listing.entries.length === 0;
  }

  /**
   * A question that Consul holds back while the prefix does not change.
   *
   * @param take `isEarly`: it was not held back for that long. When a backup is restored, all that wait are sent away with what
   * was before it; asked with the same index once more, Consul would be silent until the restored store has grown beyond it.
   */
  protected wait(
    query: Readonly<Record<string, string>>,
    take: (answer: Answer, isEarly: boolean) => Observable<readonly RawChange[]>,
  ): Observable<readonly RawChange[]> {
    return defer(() => {
      const { wait } = this.context.options;
      const held = Math.ceil(Math.min(wait, this.due ?? wait));
      // Consul adds up to a sixteenth, so that not all come at once.
      const begin = this.context.limits.begin + held + Math.ceil(held / 16);
      const start = asyncScheduler.now();
      return this.read({ ...query, index: String(this.#index), wait: `${held}ms` }, begin).pipe(
        concatMap((answer) => {
          // It was as long as the answer before took.
          this.pause = this.context.options.every;
          return take(answer, asyncScheduler.now() - start < held);
        }),
      );
    });
  }

  /** Whether an answer differs from the one before it. What a token may see changes without an index. */
  protected isNews(answer: Answer): boolean {
    const before = this.#digest;
    this.#digest = digestOf(answer);
    const isSame = before === undefined || before === this.#digest;
    return !isSame || indexOf(this.what, answer) !== this.#index;
  }

  protected read(
    query: Readonly<Record<string, string>>,
    begin: number = this.context.limits.begin,
  ): Observable<Answer> {
    const { client, limits } = this.context;
    return ask(client, { method: 'GET', path: this.#path, query }, { ...limits, begin });
  }

  #listingOf(answer: Answer): Listing {
    const listing = listingOf(this.what, answer);
    const isLarge = answer.body.length > (this.context.options.split === undefined ? large : largeOfMany);
    // The next answer is of the same kind as this one, or of one that there was none of.
    if (!isLarge) this.#digest = digestOf(answer);
    else if (!this.#isLarge) this.#digest = undefined;
    this.#isLarge = isLarge;
    this.#quiet = 0;
    this.#names = isLarge ? digestOfNames(listing.entries.map(({ Key }) => Key)) : '';
    return listing;
  }

  /** @param look keys may have been made again, and rights given, between a list and the question what of it is hidden */
  #compare(listing: Listing, look = 1): Observable<readonly RawChange[]> {
    const { known } = this;
    const before = known.size;
    const isNothing = this.isNothing(listing);
    const { puts, gone, wentBack } = known.compare(listing);
    // Consul forgets its tombstones after a while: the index of a prefix goes back, and nothing has happened.
    const isNews = puts.length + gone.length > 0;
    if (isNews && (wentBack || listing.index < known.index)) this.#goBack(listing.index);
    this.#index = known.index = listing.index;

    const { client, limits } = this.context;
    const again = defer(() => this.list()).pipe(concatMap((next) => this.#compare(next, look + 1)));
    if (isNothing) {
      return checkReadable(client, known.prefix, limits).pipe(
        concatMap(() => {
          if (look === 1) return again;
          this.trouble = undefined;
          return of([]);
        }),
        catchError((error: unknown) => of(this.#doubted(error))),
      );
    }
    return existing(client, gone, limits).pipe(
      concatMap((kept) => {
        if (kept.size > 0 && look === 1) return again;
        return areDenied(client, kept, limits).pipe(
          concatMap((areHidden) => {
            // Keys that are deleted and made again all the time: the next look may show them.
            if (kept.size > 0 && !areHidden && look < mostLooks) return again;
            const lost = gone.filter((key) => !kept.has(key));
            const isHeld = this.#guard?.holds(lost, before) === true;
            if (isHeld) known.hold(lost);
            this.trouble = this.#troubleOf(areHidden ? kept : new Set(), isHeld ? lost.length : 0, before);
            return of(known.take(puts, isHeld ? [] : lost, listing.index));
          }),
        );
      }),
    );
  }

  /**
   * That there is nothing is not believed: once something was told, that is no reason to keep from the subscriber what lies under
   * other prefixes.
   */
  #doubted(error: unknown): readonly RawChange[] {
    const isDenied = error instanceof DatasyncError && error.code === 'ACCESS_DENIED';
    if (!isDenied || !this.known.isTold || this.context.options.onDenied === 'fail') throw error;
    this.trouble = error;
    return [];
  }

  #troubleOf(hidden: ReadonlySet<string>, held: number, before: number): DatasyncError | undefined {
    const { prefix } = this.known;
    if (hidden.size > 0) return hiddenError(prefix, hidden);
    if (held === 0) return undefined;
    const message = `${JSON.stringify(prefix)} has lost ${held} of its ${before} keys at once; they stay until ${this.#guard?.until}`;
    return new DatasyncError('SHRUNK', message, { backend: 'consul' });
  }

  /** What this connection has said so far is of another state of the store. */
  #goBack(index: number): void {
    this.wentBack = true;
    if (this.#isFirst) return;
    const message = `${this.what}: the store went back, from index ${this.#index} to ${index}; everything is read again`;
    throw new ContinuityLost('regressed', message);
  }
}

function digestOfNames(names: readonly string[]): string {
  return createHash('sha1').update(names.join('\0')).digest('base64');
}

function digestOf({ status, body }: Answer): string {
  return `${status} ${createHash('sha1').update(body).digest('base64')}`;
}
