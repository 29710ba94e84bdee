import { randomUUID } from 'node:crypto';
import { defer, mergeMap, repeat, type Subscription, timer } from 'rxjs';
import { DatasyncError } from '../../model/errors.ts';
import type { Access } from './access.ts';
import { type Losses, lossesOf } from './losses.ts';
import { giveUp, renew } from './scripts.ts';
import { Turns } from './turns.ts';

/** What {@link lossesOf} said of a master. */
interface Looked {
  readonly losses: Promise<string | undefined> | undefined;
}

interface Kept {
  readonly key: Buffer;
  readonly value: Uint8Array;
  /** Until when it lives for sure, by our clock. */
  until: number;
  /** What {@link lossesOf} said of its master before it was last seen. */
  losses: Promise<string | undefined> | undefined;
  /** A write of ours that may have made something else of it was not answered. Until it has been renewed after that, it is not put again. */
  doubt: DatasyncError | undefined;
  /** It is being put again. */
  putting: Promise<void> | undefined;
}

/** A write of one key. */
export interface Change {
  readonly name: string;
  /** What is to live as long as the broker; `undefined`: it becomes something else, or nothing. */
  readonly lasting: Lasting | undefined;
}

interface Lasting {
  readonly key: Buffer;
  readonly value: Uint8Array;
}

/** Keys that live as long as the broker: each for a while, again and again. */
export class Lifetimes {
  /** Milliseconds after which a key vanishes of which nobody says that it is to live on. */
  readonly ttl: number;
  readonly #access: Access;
  /** Where it hangs, there is still time to try again. */
  readonly #renewing: Access;
  readonly #kept = new Map<string, Kept>();
  #timer: Subscription | undefined;
  #pause: number;
  #losses: Losses = new Map();
  readonly #turns = new Turns();
  #isClosed = false;
  #looking: Promise<Losses> | undefined;
  /** Whether the server has taken the script that renews. */
  #isTried = false;
  /** Why something was not renewed the last time. */
  #refusal: DatasyncError | undefined;

  constructor(access: Access, ttl: number) {
    this.#access = access;
    this.ttl = ttl;
    this.#pause = ttl / 3;
    this.#renewing = access.besides(Math.ceil(ttl / 4));
  }

  /**
   * Sends what changes keys, after what was asked to change them before, and keeps alive what it has put.
   *
   * @param isDone whether the change of that index was done
   * @throws what `send` does, and what the server says where a key cannot be renewed: it would be gone before long, though it was put
   */
  async write<T>(
    changes: readonly Change[],
    send: () => Promise<T>,
    isDone: (answer: T, index: number) => boolean,
  ): Promise<T> {
    const turn = this.#turns.take(changes.map(({ name }) => name));
    try {
      // Whatever comes after it on another connection may come before it at the server.
      const putting = changes.flatMap(({ name }) => this.#kept.get(name)?.putting ?? []);
      const waits = [...putting, ...turn.sentBefore];
      if (waits.length > 0) await Promise.all(waits);
      const lasts = changes.some(({ lasting }) => lasting !== undefined);
      const looked = lasts
        ? await Promise.all(changes.map(async ({ lasting }) => lasting && this.#ready(lasting.key)))
        : [];
      const until = performance.now() + this.ttl;
      const answering = send();
      turn.sent();
      const answer = await answering;
      await Promise.all(turn.overBefore);
      for (const [index, { name, lasting }] of changes.entries()) {
        if (!isDone(answer, index)) continue;
        if (lasting === undefined) this.#kept.delete(name);
        else this.#add(name, lasting, until, looked[index]);
      }
      return answer;
    } catch (error) {
      // What was refused has changed nothing, what was not answered perhaps.
      await Promise.all(turn.overBefore);
      if (error instanceof DatasyncError && error.code === 'OUTCOME_UNKNOWN') {
        for (const kept of changes.flatMap(({ name }) => this.#kept.get(name) ?? [])) kept.doubt = error;
      }
      throw error;
    } finally {
      turn.over();
    }
  }

  /** To be awaited before one is put. @returns what its master said before: without it, nobody knows later why it is not there */
  async #ready(key: Uint8Array): Promise<Looked> {
    if (this.#kept.size === 0) this.#refusal = undefined;
    if (this.#refusal !== undefined) throw this.#refusal;
    if (!this.#isTried) {
      // Nobody has put that: nothing changes by it.
      await renew.run(this.#access.read, key, randomUUID(), String(this.ttl));
      this.#isTried = true;
    }
    const known = this.#losses.get(this.#access.ownerOf(key));
    const isKnown = await known?.then(
      () => true,
      () => false,
    );
    if (isKnown === true) return { losses: known };
    this.#looking ??= lossesOf(this.#access).finally(() => {
      this.#looking = undefined;
    });
    this.#losses = await this.#looking;
    // Only the master of the key is waited for.
    const losses = this.#losses.get(this.#access.ownerOf(key));
    await losses;
    return { losses };
  }

  #add(name: string, lasting: Lasting, until: number, looked: Looked | undefined): void {
    if (this.#isClosed) return;
    const { key } = lasting;
    // Whose bytes they are may use them for something else.
    const value = new Uint8Array(lasting.value);
    this.#kept.set(name, { key, value, until, losses: looked?.losses, doubt: undefined, putting: undefined });
    this.#timer ??= defer(() => timer(this.#pause))
      .pipe(
        mergeMap(() => this.#round()),
        repeat(),
      )
      .subscribe();
  }

  /** The names that are kept alive under a prefix, whether they are there now or not. */
  under(prefix: string): readonly string[] {
    return [...this.#kept.keys()].filter((name) => name.startsWith(prefix));
  }

  /** Deletes all that nobody else has written since. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.unsubscribe();
    const kept = [...this.#kept.values()];
    this.#kept.clear();
    await Promise.all(kept.flatMap(({ putting }) => putting ?? []));
    this.#renewing.close();
    // What cannot be deleted vanishes by itself.
    await Promise.allSettled(
      kept.map(({ key, value }) => giveUp.run(this.#access.write, key, value, String(this.ttl))),
    );
  }

  async #look(): Promise<Losses> {
    const losses = await lossesOf(this.#renewing);
    this.#losses = losses;
    return losses;
  }

  async #round(): Promise<void> {
    try {
      await this.#renewAll();
      this.#pause = this.ttl / 3;
    } catch {
      // There is no time for another whole pause.
      this.#pause = this.ttl / 12;
    }
  }

  async #renewAll(): Promise<void> {
    const looked = await this.#look();
    const missing: [name: string, kept: Kept][] = [];
    const renew = async ([name, kept]: [string, Kept]): Promise<void> => {
      if ((await this.#renew(name, kept, looked)) === 'missing') missing.push([name, kept]);
    };
    const failures = (await Promise.all(this.#lanes().map((lane) => inParts(lane, renew)))).flat();
    this.#note(failures);
    if (missing.length > 0) {
      const now = await this.#look();
      failures.push(...(await inParts(missing, ([name, kept]) => this.#putAgain(name, kept, now))));
    }
    if (failures.length > 0) throw failures[0];
  }

  /** What is kept, each master's by itself: none waits for another that says nothing. */
  #lanes(): readonly (readonly [string, Kept][])[] {
    const lanes = new Map<string, [string, Kept][]>();
    for (const each of this.#kept) {
      const owner = this.#renewing.ownerOf(each[1].key);
      const lane = lanes.get(owner);
      if (lane === undefined) lanes.set(owner, [each]);
      else lane.push(each);
    }
    return [...lanes.values()];
  }

  async #renew(name: string, kept: Kept, looked: Losses): Promise<'missing' | undefined> {
    const began = performance.now();
    const { doubt } = kept;
    const losses = looked.get(this.#renewing.ownerOf(kept.key));
    const answer = await renew.run(this.#renewing.write, kept.key, kept.value, String(this.ttl));
    if (this.#kept.get(name) !== kept) return undefined;
    if (answer === 1) {
      Object.assign(kept, { until: began + this.ttl, losses });
      if (kept.doubt === doubt) kept.doubt = undefined;
    } else if (answer === -1 && kept.doubt === undefined) return 'missing';
    else this.#kept.delete(name);
    return undefined;
  }

  #note(failures: readonly unknown[]): void {
    const refusal = failures.find(isAccessDenied);
    if (refusal === undefined && failures.length > 0) return;
    this.#refusal = refusal;
    this.#isTried = refusal === undefined;
  }

  /** What is not there without anybody having meant it; not what somebody else has put meanwhile. */
  async #putAgain(name: string, kept: Kept, looked: Losses): Promise<void> {
    const { key, value, until } = kept;
    const began = performance.now();
    const losses = looked.get(this.#renewing.ownerOf(key));
    const [now, before] = await Promise.all([toldBy(losses), toldBy(kept.losses)]);
    const wasLost = now === undefined || now !== before || began >= until;
    // Of a write of ours that is under way it will be known how it ended.
    if (this.#kept.get(name) !== kept || this.#turns.has(name) || kept.doubt !== undefined) return;
    if (!wasLost) {
      this.#kept.delete(name);
      return;
    }
    const put = this.#renewing.write('SET', key, value, 'NX', 'PX', String(this.ttl));
    const over = (): void => {
      kept.putting = undefined;
    };
    kept.putting = put.then(over, over);
    const isPut = (await put) !== null;
    if (this.#kept.get(name) !== kept) return;
    if (isPut) Object.assign(kept, { until: began + this.ttl, losses });
    else this.#kept.delete(name);
  }
}

/** How much is sent at once: all of it is answered well within the time that there is for one request. */
const part = 1_000;

/** Does something to each, part by part, as long as any of a part succeeds. @returns why it did not */
async function inParts<T>(all: readonly T[], each: (one: T) => Promise<void>): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  for (let start = 0; start < all.length; start += part) {
    const some = await Promise.allSettled(all.slice(start, start + part).map(each));
    const failed = some.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    for (const { reason } of failed) failures.push(reason);
    if (failed.length === some.length) break;
  }
  return failures;
}

function isAccessDenied(error: unknown): error is DatasyncError {
  return error instanceof DatasyncError && error.code === 'ACCESS_DENIED';
}

/** What a master does not say is not known. */
async function toldBy(losses: Promise<string | undefined> | undefined): Promise<string | undefined> {
  return losses?.catch(() => undefined);
}
