import { asyncScheduler, defer, firstValueFrom, type Observable, tap, timer } from 'rxjs';
import { DatasyncError, type ErrorCode } from '../../model/errors.ts';
import { FatalError } from '../../source/frames.ts';
import type { Access, Link } from './access.ts';
import { codeOf, detailsOf, isDenied, isRefusal } from './failures.ts';

/** What a request is about, for its error. */
export interface About {
  /** `put of "a"` */
  readonly what: string;
  readonly key?: string;
  /** Milliseconds; default: that of the broker. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** Milliseconds between two rounds of all servers. */
const pause = 50;
const longestPause = 500;

const unavailable = 14;
const tooLate = 4;

/**
 * Requests to the servers of a client, one after the other where one cannot be reached. A read is tried again until it is too
 * late; a write only where it is sure that nothing has been done. Nothing else is repeated.
 */
export class Calls {
  readonly #access: Access;
  readonly #timeout: number;
  readonly #links = new Map<number, Link>();
  readonly #last = new Set<Promise<unknown>>();
  #server = 0;
  #closed = false;

  constructor(access: Access, timeout: number) {
    this.#access = access;
    this.#timeout = timeout;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whatever may be done twice. */
  read(service: string, method: string, request: Uint8Array, about: About): Promise<Buffer> {
    const send = (link: Link, timeout: number) => link.call(service, method, request, limits(timeout, about));
    return this.#run(send, about, (error) => !isRefused(error), spread);
  }

  /** @throws DatasyncError `OUTCOME_UNKNOWN` where it may have been done, or not */
  async write(service: string, method: string, request: Uint8Array, about: About): Promise<Buffer> {
    let sent = false;
    const send = async (link: Link, timeout: number) => {
      sent = false;
      await this.#access.metadata(link);
      sent = true;
      return link.call(service, method, request, limits(timeout, about));
    };
    const isUndone = (error: unknown) => !sent || isNotSent(error);
    try {
      return await this.#run(send, about, (error) => !isRefused(error) && isUndone(error));
    } catch (error) {
      const cause = error instanceof DatasyncError ? error.cause : error;
      if (cause === undefined || isRefused(cause) || isUndone(cause)) throw error;
      const message = `${about.what}: the answer is missing, it may have been done or not: ${detailsOf(cause)}`;
      throw coded('OUTCOME_UNKNOWN', message, about, cause);
    }
  }

  /** One message and one answer over a stream; may be done twice. */
  exchange(service: string, method: string, request: Uint8Array, about: About): Promise<Buffer> {
    const send = (link: Link, timeout: number) => link.exchange(service, method, request, timeout);
    return this.#run(send, about, (error) => !isRefused(error), spread);
  }

  /** What goes over a stream of its own: to the server that answers just now, and where it fails, the next time to another one. */
  over<T>(use: (link: Link) => Observable<T>): Observable<T> {
    return defer(() => {
      if (this.#closed) throw closed({ what: 'a stream' });
      const server = this.#server;
      return use(this.#linkTo(server)).pipe(tap({ error: () => this.#leave(server) }));
    });
  }

  /** Something that nobody waits for but `close`; its failure is nobody's. */
  detach(work: Promise<unknown>): void {
    const done = work
      .catch(() => undefined)
      .finally(() => {
        this.#last.delete(done);
      });
    this.#last.add(done);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#last);
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  async #run(
    send: (link: Link, timeout: number) => Promise<Buffer>,
    about: About,
    repeats: (error: unknown) => boolean,
    share?: (left: number) => number,
  ): Promise<Buffer> {
    if (this.#closed) throw closed(about);
    const end = asyncScheduler.now() + (about.timeout ?? this.#timeout);
    for (let attempt = 1; ; attempt += 1) {
      const server = this.#server;
      const left = end - asyncScheduler.now();
      let link: Link | undefined;
      try {
        link = this.#linkTo(server);
        return await send(link, this.#access.size > 1 && share !== undefined ? share(left) : left);
      } catch (error) {
        // Nothing came: the connection may be dead, and grpc finds out late.
        if (link !== undefined && codeOf(error) === tooLate) this.#drop(server, link);
        if (!isRefused(error)) this.#leave(server);
        const wait = attempt % this.#access.size === 0 ? Math.min(pause * attempt, longestPause) : 0;
        const isLate = asyncScheduler.now() + wait >= end;
        if (isLate || about.signal?.aborted === true || !repeats(error)) throw described(error, about);
        if (wait > 0) await firstValueFrom(timer(wait), { defaultValue: 0 });
      }
    }
  }

  /** Who comes next goes elsewhere. */
  #leave(server: number): void {
    if (this.#server === server) this.#server = (server + 1) % this.#access.size;
  }

  #drop(server: number, link: Link): void {
    if (this.#links.get(server) === link) this.#links.delete(server);
    link.close();
  }

  #linkTo(server: number): Link {
    const known = this.#links.get(server);
    if (known !== undefined) return known;
    // Each time to the next one of the client.
    const link = this.#access.connect(this.#timeout);
    this.#links.set(server, link);
    return link;
  }
}

/** A server that says nothing must leave time to ask another one. */
function spread(left: number): number {
  return Math.max(left / 2, Math.min(left, 200));
}

function limits(timeout: number, { signal }: About): { readonly timeout: number; readonly signal?: AbortSignal } {
  return signal === undefined ? { timeout } : { timeout, signal };
}

/** The server has said no: it stays no, and nothing has been done. */
function isRefused(error: unknown): boolean {
  return error instanceof DatasyncError || error instanceof FatalError || isRefusal(error) || isDenied(error);
}

/** No server has begun with it. */
function isNotSent(error: unknown): boolean {
  const details = detailsOf(error);
  if (codeOf(error) === tooLate) return details.includes('Waiting for LB pick');
  const before = /^No connection established|^Name resolution failed|etcdserver: no leader|for learner|not capable/;
  return codeOf(error) === unavailable && before.test(details);
}

/** The error of a request, in our words. */
function described(error: unknown, about: About): DatasyncError {
  if (error instanceof DatasyncError) return error;
  const details = detailsOf(error);
  return coded(errorCode(error, details), `${about.what}: ${details}`, about, error);
}

function errorCode(error: unknown, details: string): ErrorCode {
  if (isDenied(error)) return 'ACCESS_DENIED';
  if (/request is too large|trying to send message larger than max|too many operations/.test(details))
    return 'TOO_LARGE';
  if (/has been compacted|is a future revision/.test(details)) return 'NO_SUCH_REVISION';
  if (error instanceof FatalError) return 'FATAL';
  return isRefused(error) ? 'REFUSED' : 'CONNECTION_LOST';
}

function closed(about: About): DatasyncError {
  return coded('FATAL', `${about.what}: the broker is closed`, about, undefined);
}

function coded(code: ErrorCode, message: string, { key }: About, cause: unknown): DatasyncError {
  return new DatasyncError(code, message, { cause, backend: 'etcd', ...(key !== undefined && { key }) });
}
