import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type Consul from 'consul';
import { concatMap, type Observable, Subscription, timer } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { fromAsync } from '../../internal/fromAsync.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import { checkArgument, isObject, type Leaf } from '../../model/options.ts';

/** One request to Consul's HTTP API. */
export interface Question {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Below `/v1`, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** What came back, whatever the status. */
export interface Answer {
  readonly status: number;
  /** `X-Consul-Index`, as it was sent. */
  readonly index: string | undefined;
  readonly body: Buffer;
}

/** How long to wait, and how much to take. */
export interface Limits {
  /** Milliseconds until the answer begins. */
  readonly begin: number;
  /** Milliseconds between two parts of it. */
  readonly pause: number;
  /** Bytes of the body. */
  readonly size: number;
}

/**
 * As the leader knows it once it has made sure that it is one: without that, one that has just been elected may answer before it has
 * read its own log, that there is nothing.
 */
export const consistent = { consistent: '1' } as const;

/** What papi, on which npm `consul` stands, makes of a question. */
interface Prepared {
  readonly transport: { request(options: RequestOptions): ClientRequest };
  readonly options: RequestOptions;
  readonly body: Uint8Array | undefined;
}

/** Whether a connection never came to be, since TLS was not what is spoken there. */
export function isNotTls(cause: unknown): boolean {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return code === 'EPROTO' && /wrong version number/.test(messageOf(cause));
}

/** What the types of npm `consul` leave out. */
interface Papi {
  readonly _defaults?: Readonly<Record<string, unknown>>;
  readonly _opts?: { readonly baseUrl?: { readonly protocol?: string } };
  _request(options: object): Promise<Prepared>;
}

/** What Node refuses in a header. */
const unheaded = /[^\t\x20-\x7e\x80-\xff]/;

const clientRule: Leaf = [
  (value) => isObject(value) && typeof (value as Papi & object)._request === 'function',
  "a client of npm 'consul', version 2",
];

/** @throws DatasyncError `INVALID_CONFIG` */
export function checkClient(where: string, client: Consul): void {
  checkArgument(where, 'client', client, clientRule);
  checkToken(where, "the client's token", defaultsOf(client)['token']);
}

/** @throws DatasyncError `INVALID_CONFIG`, which does not show it */
export function checkToken(where: string, name: string, token: unknown): void {
  if (typeof token !== 'string' || !unheaded.test(token)) return;
  const message = `${where}: ${name} has a character that no header of HTTP may have; a line break at its end?`;
  throw new DatasyncError('INVALID_CONFIG', message, { backend: 'consul' });
}

/** The options that a client was made with for all its requests. */
export function defaultsOf(client: Consul): Readonly<Record<string, unknown>> {
  return (client as unknown as Papi)._defaults ?? {};
}

/**
 * Asks Consul. Address, TLS, agent, token and the other defaults are those of the client; the exchange is our own: papi does
 * not notice an answer that is cut off, and has one time limit for all of it.
 *
 * Unsubscribing aborts the request. Errors: `CONNECTION_LOST`, `TOO_LARGE`. Whatever the status, it is an
 * answer.
 */
export function ask(client: Consul, question: Question, limits: Limits): Observable<Answer> {
  const papi = client as unknown as Papi;
  return fromAsync(() => prepare(papi, question)).pipe(
    concatMap((prepared) => {
      const { hostname, port, socketPath } = prepared.options;
      const server = socketPath ?? `${papi._opts?.baseUrl?.protocol ?? 'http:'}//${hostname}:${port}`;
      return exchange(prepared, `${question.method} ${server}/v1${question.path}`, limits);
    }),
  );
}

/** papi's own way up to where it would send: with all extensions and defaults of the client. */
function prepare(papi: Papi, { method, path, query, body }: Question): Promise<Prepared> {
  const { token, dc, partition } = papi._defaults ?? {};
  const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
  return papi._request({
    name: 'rx-datasync',
    method,
    path,
    query: {
      ...query,
      ...(isText(dc) && { dc }),
      ...(isText(partition) && { partition }),
    },
    headers: { ...(isText(token) && { 'x-consul-token': token }) },
    ...(body === undefined ? {} : { body: Buffer.from(body.buffer, body.byteOffset, body.length) }),
    exts: {
      onRequest: [
        (
          request: { readonly transport: unknown; readonly req: unknown; readonly body: unknown },
          next: (stop: false, value: unknown) => void,
        ) => next(false, { transport: request.transport, options: request.req, body: request.body }),
      ],
    },
  });
}

function exchange(
  { transport, options, body }: Prepared,
  what: string,
  { begin, pause, size }: Limits,
): Observable<Answer> {
  return cold((subscriber) => {
    let clock = Subscription.EMPTY;
    // papi takes it from a URL, where an address of IPv6 is in brackets.
    const hostname = options.hostname?.replace(/^\[|\]$/g, '');
    const request = transport.request({ ...options, hostname });
    const fail = (code: 'CONNECTION_LOST' | 'TOO_LARGE', message: string, cause?: unknown): void => {
      if (subscriber.closed) return;
      subscriber.error(new DatasyncError(code, `${what}: ${message}`, { cause, backend: 'consul' }));
    };
    const expect = (milliseconds: number, message: string): void => {
      clock.unsubscribe();
      clock = timer(milliseconds).subscribe(() => fail('CONNECTION_LOST', message));
    };
    const read = (response: IncomingMessage): void => {
      const parts: Buffer[] = [];
      let length = 0;
      const waits = (): void => expect(pause, `the answer stopped for ${pause} ms after ${length} bytes`);
      waits();
      response.on('data', (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (length > size) fail('TOO_LARGE', `the answer has more than ${size} bytes`);
        else waits();
      });
      // Without the end mark of HTTP there is no `end`.
      response.on('end', () => {
        const index = response.headers['x-consul-index'];
        subscriber.next({
          status: response.statusCode ?? 0,
          index: typeof index === 'string' ? index : undefined,
          body: Buffer.concat(parts, length),
        });
        subscriber.complete();
      });
      response.on('error', (cause) => fail('CONNECTION_LOST', `the answer was cut off after ${length} bytes`, cause));
    };
    subscriber.add(() => {
      clock.unsubscribe();
      request.destroy();
    });
    expect(begin, `no answer within ${begin} ms`);
    request.on('response', read);
    // Also after it was given up: an error that nobody hears would end the process.
    request.on('error', (cause) => {
      const plain = 'what answers there does not speak TLS; say http:// if it is Consul';
      fail('CONNECTION_LOST', isNotTls(cause) ? plain : messageOf(cause) || 'the connection broke', cause);
    });
    request.end(body);
  });
}
