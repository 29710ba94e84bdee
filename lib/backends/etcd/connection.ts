import { concatMap, type Observable, repeat, tap, timer } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { fromAsync } from '../../internal/fromAsync.ts';
import { FatalError, type OpenContext } from '../../source/frames.ts';
import type { PinnedStore } from '../../source/pinned.ts';
import type { Link } from './access.ts';
import { RangeAnswer } from './answers.ts';
import { isCompacted, isDenied, isRefusal } from './failures.ts';
import { keyBytes } from './keys.ts';
import { listed } from './listing.ts';
import type { Patience } from './patience.ts';
import {
  checkProof,
  checkSame,
  type EtcdPosition,
  headerRequest,
  isPresent,
  presentRequest,
  proofRequest,
} from './position.ts';
import type { ResolvedEtcdOptions } from './sourceOptions.ts';
import { type RunningWatch, watched } from './watching.ts';
import type { WatchFrame } from './watchReader.ts';
import { textField } from './wire.ts';

/** Milliseconds after which a new connection is looked at for the first time: etcd reads up what was missed each 100 ms. */
export const firstLook = 500;

/** Whether servers of a version answer the question how far a watch is behind its events: since 3.4.25 and 3.5.8. */
function ordersProgress(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  if (major !== 3) return major > 3;
  return minor > 5 || (minor === 5 && patch >= 8) || (minor === 4 && patch >= 25);
}

/** What the server at the other end says of itself. */
interface Version {
  /** Empty: it does not say. */
  readonly text: string;
  /** The question was lost, so the next connection may know. */
  readonly lost?: unknown;
}

/** @param isDenied whether one watch would have been tried, were it not denied */
function cannotAlign(prefixes: readonly string[], { text, lost }: Version, isDenied: boolean): unknown {
  if (lost !== undefined) return lost;
  const server = text === '' ? 'a server that does not say its version' : `etcd ${text}`;
  const why = `${server} cannot tell how far several watches are (3.4.25 and 3.5.8 can)`;
  if (!isDenied) return new FatalError(`watch: 'each': ${why}; 'span' needs no more than one watch`);
  const several = prefixes.map((prefix) => `'${prefix}'`).join(', ');
  const error = `permission denied to watch all that lies between ${several}, and ${why}`;
  return new Error(`${error}: make a subscription per prefix, or grant the permission to read what lies between`);
}

/** What one connection of a source does: lists, watches, and looks now and then whether all is well. */
export class EtcdConnection implements Pick<PinnedStore<EtcdPosition>, 'list' | 'watch'> {
  readonly #link: Link;
  readonly #context: OpenContext<EtcdPosition>;
  readonly #options: ResolvedEtcdOptions;
  readonly #patience: Patience;
  /** Where the connection began: whatever answers later must be the same store, and not an older state of it. */
  #begin: EtcdPosition | undefined;
  /** The revision of the store at that time. */
  #store = 0;
  /** Its revision at the last look. */
  #seen = 0;
  #watch: RunningWatch | undefined;
  /**
   * From here on the server may still be reading up what was missed, and must not have been compacted beyond it: a deletion
   * at the very revision of a compaction is left out without a word (before 3.4.34 and 3.5.16).
   */
  #behind: EtcdPosition | undefined;
  #looks = 0;
  #lookedAt = 0;
  /** The position at which the store was not recognised, for want of its history. */
  #unproven: number | undefined;

  constructor(link: Link, context: OpenContext<EtcdPosition>, options: ResolvedEtcdOptions, patience: Patience) {
    this.#link = link;
    this.#patience = patience;
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
    return cold<WatchFrame>((subscriber) => {
      const fail = (error: unknown): void => {
        if (!subscriber.closed) subscriber.error(error);
      };
      const watchBy = (watch: 'span' | 'each', version: Version, failed: (error: unknown) => void): void => {
        const frames = watched({
          link: this.#link,
          patience: this.#patience,
          prefixes,
          from,
          encoding: this.#options.keyEncoding,
          watch,
          ordersProgress: ordersProgress(version.text),
          room: exact ? ready : undefined,
          standing: (running) => {
            this.#watch = running;
          },
        });
        if (subscriber.closed) return;
        subscriber.add(frames.subscribe({ next: (frame) => subscriber.next(frame), error: failed }));
      };
      const watch = (version: Version): void => {
        const isOne = prefixes.length === 1;
        const each = (isDenied: boolean): void => {
          if (ordersProgress(version.text)) watchBy('each', version, fail);
          else fail(cannotAlign(prefixes, version, isDenied));
        };
        const spanFailed = (error: unknown): void => (isOne || !isDenied(error) ? fail(error) : each(true));
        if (this.#options.watch === 'span' || isOne) watchBy('span', version, spanFailed);
        else each(false);
      };
      this.#behind = from;
      // A listing that has just ended there is proof enough.
      const proof = this.#begin === from ? undefined : this.#prove(from, signal);
      this.#begin = from;
      Promise.all([this.#version(signal), proof]).then(([version]) => watch(version), fail);
    });
  };

  /** A proxy may not say, and then no more is expected of it than of the oldest. */
  async #version(signal: AbortSignal): Promise<Version> {
    try {
      const answer = await this.#link.call('Maintenance', 'Status', new Uint8Array(), { signal });
      return { text: textField(answer, 2) };
    } catch (error) {
      return isRefusal(error) ? { text: '' } : { text: '', lost: error };
    }
  }

  /** Looks after the connection for as long as it is subscribed. Emits where all is well: a sign of life. */
  looks(): Observable<void> {
    const look = fromAsync((signal) => this.#look(signal)).pipe(
      tap(() => this.#watch?.ask(this.#seen)),
      repeat({ delay: () => timer(this.#options.probeInterval) }),
    );
    return timer(firstLook).pipe(concatMap(() => look));
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { prefixes } = this.#context;
    const watch = this.#watch;
    // Who stands still for want of room is left behind again.
    if (watch?.isWaiting === true) this.#behind ??= watch.position;
    if (watch === undefined || this.#behind === undefined) {
      // Each prefix has its turn, since any of them may be denied; and so has what shows that the store has the history it had.
      const turn = this.#looks++ % (prefixes.length + 1);
      const known = watch?.position ?? this.#begin;
      if (turn === prefixes.length && known !== undefined) {
        await this.#recognise(known, signal);
        return;
      }
      const answer = await this.#ask(headerRequest(this.#key(prefixes[turn % prefixes.length]!)), signal);
      if (known !== undefined) checkSame(known, answer.header);
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

  /**
   * Behind a proxy the connection outlives a store that is wiped or restored. A key that was changed may have been changed
   * a moment ago, so that nobody has heard of it yet: then the history must tell.
   */
  async #recognise(at: EtcdPosition, signal: AbortSignal): Promise<void> {
    const { keyEncoding } = this.#options;
    const key = this.#key(this.#context.prefixes[0]!);
    const answer = await this.#ask(presentRequest(at, key, keyEncoding), signal);
    if (!isPresent(at, answer)) await this.#prove(at, signal).catch((error: unknown) => this.#doubt(at, error));
  }

  /** Where the history is gone, too, the watch will tell what changed the key: the next time it must have gone on. */
  #doubt({ revision }: EtcdPosition, error: unknown): void {
    if (!isCompacted(error) || this.#unproven === revision) throw error;
    this.#unproven = revision;
  }

  async #ask(request: Uint8Array, signal: AbortSignal): Promise<RangeAnswer> {
    const answer = new RangeAnswer(await this.#link.call('KV', 'Range', request, { signal }));
    this.#seen = answer.header.revision;
    return answer;
  }

  #key(prefix: string): Uint8Array {
    return keyBytes(prefix, this.#options.keyEncoding);
  }
}
