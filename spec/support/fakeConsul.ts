import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listening } from './listening.ts';

/** How one request is answered; `hang`: not at all. */
export type FakeAnswer = 'hang' | ((response: ServerResponse) => void);

/** A request as a test sees it. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Entries as Consul lists them: text and ModifyIndex by key. */
export type FakeEntries = Readonly<Record<string, readonly [value: string, index: number]>>;

/** What Consul says of these entries at an index. */
export function listed(index: number | string, entries: FakeEntries): Exclude<FakeAnswer, 'hang'> {
  const body = JSON.stringify(
    Object.entries(entries).map(([Key, [value, ModifyIndex]]) => {
      const Value = value === '' ? null : Buffer.from(value).toString('base64');
      return { LockIndex: 0, Key, Flags: 0, Value, CreateIndex: 1, ModifyIndex };
    }),
  );
  return Object.keys(entries).length === 0 ? answer(404, '', index) : answer(200, body, index);
}

export function answer(status: number, body: string, index?: number | string): Exclude<FakeAnswer, 'hang'> {
  return (response) => {
    response.writeHead(status, index === undefined ? {} : { 'X-Consul-Index': String(index) });
    response.end(body);
  };
}

/** A server that answers as a test says: `answers` is asked for each request that reads keys. */
export async function fakeConsul(answers: (request: FakeRequest, count: number) => FakeAnswer) {
  const requests: FakeRequest[] = [];
  const server = createServer((message: IncomingMessage, response) => {
    const url = new URL(message.url ?? '', 'http://fake');
    const request = { method: message.method ?? '', path: decodeURIComponent(url.pathname), query: url.searchParams };
    message.resume();
    if (request.path === '/v1/txn') {
      // No key exists that is not listed.
      return answer(
        409,
        JSON.stringify({ Errors: Array.from({ length: 64 }, (_, OpIndex) => ({ OpIndex, What: '' })) }),
      )(response);
    }
    if (!request.query.has('recurse') && !request.query.has('keys')) return answer(404, '', 1)(response);
    requests.push(request);
    const how = answers(request, requests.length);
    if (how !== 'hang') how(response);
  });
  return { port: await listening(server), requests };
}

export type FakeConsul = Awaited<ReturnType<typeof fakeConsul>>;
