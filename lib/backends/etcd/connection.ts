import { concatMap, type Observable, repeat, timer } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { fromAsync } from '../../internal/fromAsync.ts';
import type { OpenContext } from '../../source/frames.ts';
import type { PinnedStore } from '../../source/pinned.ts';
import type { Link } from './access.ts';
import { keyBytes } from './keys.ts';
import { listed } from './listing.ts';
import { checkProof, checkSame, type EtcdPosition, headerRequest, proofRequest } from './position.ts';
import type { ResolvedEtcdOptions } from './sourceOptions.ts';
import { type RunningWatch, type WatchFrame, watched } from './watching.ts';
import { RangeAnswer } from './wire.ts';

/** Milliseconds after which a new connection is looked at for the first time: etcd reads up what was missed each 100 ms. */
const firstLook = 500;

/** What one connection of a source does: lists, watches, and looks now and then whether all is well. */
export class EtcdConnection implements Pick<PinnedStore<EtcdPosition>, 'list' | 'watch'> {
  readonly #link: Link;
  readonly #context: OpenContext<EtcdPosition>;
  readonly #options: ResolvedEtcdOptions;
  /** Where the connection began: whatever answers later must be the same store, and not an older state of it. */
  #begin: EtcdPosition | undefined;
  /** The revision of the store at that time. */
  #store = 0;
  #watch: RunningWatch | undefined;
  /**
   * From here on the server may still be reading up what was missed, and must not have been compacted beyond it: a deletion
   * at the very revision of a compaction is left out without a word (before 3.4.34 and 3.5.16).
   */
  #behind: EtcdPosition | undefined;
  #looks = 0;
  #lookedAt = 0;

  constructor(link: Link, context: OpenContext<EtcdPosition>, options: ResolvedEtcdOptions) {
    this.#link = link;
    this.#context = context;
    this.#options = options;
  }

  /** Whether there is a position. */
  get hasListed(): boolean {
    return this.#begin !== undefined;
  }

  readonly list: PinnedStore<EtcdPosition>['list'] = ({ prefixes, at, signal }) => {
    const pages = listed({ link: this.#link, prefixes, at, encoding: this.#options.keyEncoding, signal });
    let last: EtcdPosition | undefined;
    return cold((subscriber) =>
      pages.subscribe({
        next: (page) => {
          last = page.position;
          subscriber.next(page);
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          this.#begin = last;
          this.#store = last?.revision ?? 0;
          subscriber.complete();
        },
      }),
    );
  };

  readonly watch: PinnedStore<EtcdPosition>['watch'] = ({ prefixes, from, signal }) => {
    const { ready, exact = false } = this.#context;
    const frames = watched({
      link: this.#link,
      prefixes,
      from,
      encoding: this.#options.keyEncoding,
      room: exact ? ready : undefined,
      standing: (watch) => {
        this.#watch = watch;
      },
    });
    return cold<WatchFrame>((subscriber) => {
      this.#behind = from;
      // A listing that has just ended there is proof enough.
      const proof = this.#begin === from ? Promise.resolve() : this.#prove(from, signal);
      this.#begin = from;
      proof.then(
        () => {
          if (!subscriber.closed) subscriber.add(frames.subscribe(subscriber));
        },
        (error: unknown) => {
          if (!subscriber.closed) subscriber.error(error);
        },
      );
    });
  };

  /** Looks after the connection for as long as it is subscribed. Emits where the watch cannot be asked for a sign of life. */
  looks(): Observable<void> {
    const looking = timer(firstLook).pipe(
      concatMap(() => fromAsync((signal) => this.#look(signal))),
      repeat({ delay: () => timer(this.#options.probeInterval) }),
    );
    return cold((subscriber) =>
      looking.subscribe({
        next: () => {
          if (this.#watch === undefined) subscriber.next();
          else this.#watch.ask();
        },
        error: (error: unknown) => subscriber.error(error),
      }),
    );
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { prefixes } = this.#context;
    const watch = this.#watch;
    // Who stands still for want of room is left behind again.
    if (watch?.isWaiting === true) this.#behind ??= watch.position;
    if (watch === undefined || this.#behind === undefined) {
      // Each prefix has its turn: any of them may be denied.
      const answer = await this.#ask(headerRequest(this.#key(prefixes[this.#looks++ % prefixes.length]!)), signal);
      if (this.#begin !== undefined) checkSame(this.#begin, answer.header);
      return;
    }
    const { isWaiting } = watch;
    const { revision } = watch.position;
    await this.#prove(this.#behind, signal);
    const isQuiet = this.#lookedAt === revision;
    this.#lookedAt = revision;
    if (!isWaiting && (isQuiet || revision >= this.#store)) this.#behind = undefined;
  }

  /** One linearizable read: whether the store is there, may be read, is the one we know, and still has its history. */
  async #prove(at: EtcdPosition, signal: AbortSignal): Promise<void> {
    const key = this.#key(this.#context.prefixes[0]!);
    const answer = await this.#ask(proofRequest(at, key, this.#options.keyEncoding), signal);
    checkProof(at, answer);
    if (this.#store === 0) this.#store = answer.header.revision;
  }

  async #ask(request: Uint8Array, signal: AbortSignal): Promise<RangeAnswer> {
    return new RangeAnswer(await this.#link.call('KV', 'Range', request, { signal }));
  }

  #key(prefix: string): Uint8Array {
    return keyBytes(prefix, this.#options.keyEncoding);
  }
}
