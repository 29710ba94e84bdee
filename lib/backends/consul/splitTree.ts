import {
  asyncScheduler,
  concat,
  concatMap,
  defer,
  from,
  map,
  mergeMap,
  type Observable,
  of,
  reduce,
  repeat,
  take,
  tap,
  timer,
} from 'rxjs';
import type { Frame, OpenContext } from '../../source/frames.ts';
import { type Below, Directory } from './directory.ts';
import { concurrency } from './hidden.ts';
import type { Known } from './known.ts';
import type { Memory } from './memory.ts';
import { looksAtNames, Part, type PartContext } from './part.ts';
import type { ShrinkGuard } from './shrinkGuard.ts';
import type { Teller } from './teller.ts';
import { follow, type Tree } from './tree.ts';

/** How many queries may still be held open. */
export interface Queries {
  free: number;
}

type Told = Observable<Frame<never>>;

/** A sub-prefix. That it is empty is nothing to be doubted: its name may be older than what is under it. */
class Sub extends Part {
  protected override isNothing(): boolean {
    return false;
  }
}

/** A prefix that is looked at by its sub-prefixes: those that are there, and those of which something is known. */
export class SplitTree implements Tree, Below {
  readonly #context: PartContext;
  readonly #memory: Memory;
  readonly #guard: () => ShrinkGuard | undefined;
  readonly #queries: Queries;
  readonly #directory: Directory;
  readonly #subs = new Map<string, Part>();
  readonly #followed = new Set<Part>();
  /** When it was last looked whether the token may see something else. */
  #lookedForHidden = asyncScheduler.now();

  /** @param queries shared with the other prefixes */
  constructor(
    context: PartContext,
    memory: Memory,
    guard: () => ShrinkGuard | undefined,
    { separator, queries }: { readonly separator: string; readonly queries: Queries },
  ) {
    this.#context = context;
    this.#memory = memory;
    this.#guard = guard;
    this.#queries = queries;
    this.#directory = new Directory(context, memory.own, guard(), separator, this);
    for (const known of memory.subs.values()) if (known.size > 0) this.#add(known);
  }

  get parts(): readonly Part[] {
    return [this.#directory, ...this.#subs.values()];
  }

  get size(): number {
    return this.#subs.size;
  }

  resting(): readonly Part[] {
    return [...this.#subs.values()].filter((part) => !this.#followed.has(part));
  }

  first(): Observable<unknown> {
    const subs = defer(() => {
      this.#addNew();
      return from([...this.#subs.values()]);
    });
    const all = concat(this.#directory.first(), subs.pipe(mergeMap((part) => part.first(), concurrency)));
    return all.pipe(reduce(() => true, true));
  }

  follow(teller: Teller, ready: OpenContext<never>['ready']): Observable<Frame<never>> {
    const rounds = defer(() => timer(this.#directory.pause)).pipe(
      concatMap(() => ready().pipe(take(1))),
      concatMap(() => this.#round(teller, ready)),
      repeat(),
    );
    return concat(
      defer(() => this.#begin(teller, ready)),
      rounds,
    ).pipe(mergeMap((told) => told));
  }

  /** What is to be told after one look at the top, and by whom from now on. */
  #round(teller: Teller, ready: OpenContext<never>['ready']): Observable<Told> {
    return this.#directory.next().pipe(
      concatMap((changes) => {
        const start = asyncScheduler.now();
        const told = (news: typeof changes): Told => from(teller.changes(news));
        const added = from(this.#addNew()).pipe(mergeMap((part) => part.first(), concurrency));
        const rest = defer(() => from(this.#toLookAt())).pipe(
          mergeMap((part) => part.look(this.#directory.below === 'unknown'), concurrency),
        );
        const hidden = defer(() => from(this.#toLookForHidden())).pipe(
          mergeMap((part) => part.lookForHidden(), concurrency),
        );
        return concat(
          of(told(changes)),
          concat(added, rest, hidden).pipe(map(told)),
          defer(() => this.#begin(teller, ready)).pipe(
            tap({
              complete: () => {
                const { every } = this.#context.options;
                this.#directory.pause = Math.max(every, this.#directory.pause, asyncScheduler.now() - start);
              },
            }),
          ),
        );
      }),
    );
  }

  /** Those that have to be asked whether something has changed; what has gone is forgotten. */
  #toLookAt(): readonly Part[] {
    const { below, subs } = this.#directory;
    return this.resting().filter((part) => {
      const { prefix, size } = part.known;
      if (part.trouble !== undefined) return true;
      if (size === 0 && !subs.has(prefix)) this.#remove(prefix);
      else return below !== 'unchanged';
      return false;
    });
  }

  /** All that do not wait by themselves, as often as who waits looks for it: time counts, since not every round is a `wait`. */
  #toLookForHidden(): readonly Part[] {
    const now = asyncScheduler.now();
    if (now - this.#lookedForHidden < looksAtNames * this.#context.options.wait) return [];
    this.#lookedForHidden = now;
    return this.resting();
  }

  /** Lets as many as may wait by themselves. */
  #begin(teller: Teller, ready: OpenContext<never>['ready']): Observable<Told> {
    const begun = this.resting().slice(0, this.#queries.free);
    this.#queries.free -= begun.length;
    for (const part of begun) this.#followed.add(part);
    return from(begun).pipe(
      map((part) => {
        const { prefix } = part.known;
        const isOver = (): boolean =>
          part.known.size === 0 && part.trouble === undefined && !this.#directory.subs.has(prefix);
        return follow(part, teller, ready, isOver).pipe(
          tap({
            complete: () => {
              this.#queries.free += 1;
              this.#followed.delete(part);
              this.#remove(prefix);
            },
          }),
        );
      }),
    );
  }

  /** @returns the parts for sub-prefixes that were not known */
  #addNew(): readonly Part[] {
    const names = [...this.#directory.subs].filter((name) => !this.#subs.has(name));
    return names.map((name) => this.#add(this.#memory.sub(name)));
  }

  #add(known: Known): Part {
    const part = new Sub(this.#context, known, this.#guard());
    this.#subs.set(known.prefix, part);
    return part;
  }

  #remove(prefix: string): void {
    this.#subs.delete(prefix);
    this.#memory.subs.delete(prefix);
  }
}
