import { createRequire } from 'node:module';
import { onTestFinished } from 'vitest';
import { encodeMessage, Reader } from '../../lib/backends/etcd/wire.ts';

const require = createRequire(import.meta.url);
// Of etcd3, as the library takes it from there.
const grpc = createRequire(require.resolve('etcd3'))('@grpc/grpc-js');

/** What the server says of a stream as a whole carries the number -1. */
const wholeStream = 2n ** 64n - 1n;

/** One stream of watches, from the side of the server. */
export interface FakeWatch {
  /** The first stream of all is 1. */
  readonly number: number;
  /** How often it was asked how far it is. */
  asked: number;
  /** Where its watches begin. */
  from: number;
  isOpen: boolean;
  created(watch?: number): void;
  progress(): void;
  /** @param watch of several watches: the one that tells it, from 1 on */
  put(key: string, value: string, revision: number | bigint, watch?: number): void;
  /** The server ends it. */
  end(): void;
}

/** What a client asks of a stream: a watch, or how far it is. */
export type FakeRequest = 'create' | 'ask';

/** What the test decides. */
export interface FakeEtcdOptions {
  /** Default: the watch is created, and each question is answered. */
  readonly watch?: (stream: FakeWatch, request: FakeRequest) => void;
  /** The code of gRPC with which the n-th question for its version fails. Default: none does. */
  readonly status?: (number: number) => number | undefined;
}

/** A server that speaks as much of etcd's protocol as a source needs, for what no real one can be brought to do. */
export async function fakeEtcd({ watch = obliging, status = () => undefined }: FakeEtcdOptions = {}) {
  const keys = new Map<string, Uint8Array>();
  const fake = {
    address: '',
    reads: 0,
    statuses: 0,
    streams: [] as FakeWatch[],
    revision: 10 as number | bigint,
    keys,
    /** Where set, no history can be read; called when that was said. */
    compacted: undefined as (() => void) | undefined,
  };
  const header = () => encodeMessage({ 1: 77, 3: fake.revision, 4: 2 });
  const server = new grpc.Server();
  const unary = (path: string) => ({ ...bytesBothWays, path, requestStream: false, responseStream: false });
  server.addService(
    {
      range: unary('/etcdserverpb.KV/Range'),
      status: unary('/etcdserverpb.Maintenance/Status'),
      watch: { ...bytesBothWays, path: '/etcdserverpb.Watch/Watch', requestStream: true, responseStream: true },
    },
    {
      range: ({ request }: { request: Buffer }, answer: Answer) => {
        fake.reads++;
        if (fake.compacted !== undefined && numberOf(request, 4) > 0) {
          answer({ code: 11, details: 'etcdserver: mvcc: required revision has been compacted' });
          fake.compacted();
          return;
        }
        const { 1: start = '', 2: end } = textsOf(request);
        const isAsked = (key: string) => (end === undefined ? key === start : key >= start && key < end);
        const found = [...keys].filter(([key]) => isAsked(key)).map(([, kv]) => kv);
        answer(null, Buffer.from(encodeMessage({ 1: header(), 2: found })));
      },
      status: (_: unknown, answer: Answer) => {
        const code = status(++fake.statuses);
        if (code !== undefined) answer({ code, details: 'as the test wants it' });
        else answer(null, Buffer.from(encodeMessage({ 1: header(), 2: '3.5.16' })));
      },
      watch: (call: Call) => {
        const say = (fields: Parameters<typeof encodeMessage>[0]) =>
          void call.write(Buffer.from(encodeMessage({ 1: header(), ...fields })));
        const stream: FakeWatch = {
          number: fake.streams.length + 1,
          asked: 0,
          from: 0,
          isOpen: true,
          created: (id = 1) => say({ 2: id, 3: true }),
          progress: () => say({ 2: wholeStream }),
          put: (key, value, at, id = 1) => {
            const kv = encodeMessage({ 1: key, 2: at, 3: at, 4: 1, 5: value });
            keys.set(key, kv);
            fake.revision = at;
            say({ 2: id, 11: [encodeMessage({ 2: kv })] });
          },
          end: () => call.end(),
        };
        fake.streams.push(stream);
        call.on('data', (message: Buffer) => {
          const request = message[0] === 10 ? 'create' : 'ask';
          if (request === 'ask') stream.asked++;
          else stream.from = startOf(message);
          watch(stream, request);
        });
        const ended = () => {
          stream.isOpen = false;
          call.end();
        };
        call.on('error', ended).on('end', ended).on('cancelled', ended);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, bound: number) => (error === null ? resolve(bound) : reject(error));
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), bound);
  });
  onTestFinished(() => server.forceShutdown());
  fake.address = `127.0.0.1:${port}`;
  return fake;
}

/** As etcd does. */
export function obliging(stream: FakeWatch, request: FakeRequest): void {
  if (request === 'create') stream.created();
  else stream.progress();
}

/** The start revision of a request for a watch. */
function startOf(message: Buffer): number {
  const outer = new Reader(message);
  outer.varint();
  const length = outer.varint();
  return numberOf(message.subarray(outer.at, outer.at + length), 3);
}

/** A field of a request that is a number. */
function numberOf(message: Buffer, field: number): number {
  for (const reader = new Reader(message); reader.at < message.length; ) {
    const tag = reader.varint();
    if (tag === field << 3) return reader.varint();
    reader.skip(tag);
  }
  return 0;
}

/** The fields of a request that are texts. */
function textsOf(message: Buffer): Record<number, string> {
  const texts: Record<number, string> = {};
  for (const reader = new Reader(message); reader.at < message.length; ) {
    const tag = reader.varint();
    if ((tag & 7) !== 2) reader.skip(tag);
    else {
      const length = reader.varint();
      texts[tag >> 3] = message.toString('utf8', reader.at, reader.at + length);
      reader.at += length;
    }
  }
  return texts;
}

const same = (bytes: Buffer): Buffer => bytes;
const bytesBothWays = {
  ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
};

type Answer = (error: { readonly code: number; readonly details: string } | null, bytes?: Buffer) => void;
interface Call {
  on(event: string, listener: (message: Buffer) => void): Call;
  write(message: Buffer): unknown;
  end(): void;
}
