// What a consumer writes: compiled from the packed tarball, by each TypeScript that is supported.
import {
  type AckResult,
  ackWithCallback,
  type Broker,
  bufferDuringResync,
  ChangeEvent,
  type DatasyncEvent,
  distinctValue,
  errorCodes,
  filterByRevision,
  fromBackend,
  fromMemory,
  jsonCodec,
  memoryBroker,
  memoryStore,
  pinned,
  publishTo,
  ResyncEvent,
  type Source,
  toState,
  trackPrevious,
} from 'rx-datasync';
import { fromFiles } from 'rx-datasync/files';
import { History, notation, runMarbles, validate } from 'rx-datasync/testing';
import { yamlCodec } from 'rx-datasync/yaml';
import { map, type Observable, of, timer } from 'rxjs';

interface Node {
  readonly mtu: number;
}

const codec = jsonCodec<Node>();
const store = memoryStore();
const source: Source<Node> = fromMemory(store, { prefixes: ['/nodes/'], codec, delivery: { inFlight: 8 } });
const broker: Broker<Node> = memoryBroker(store, { codec });

export const state: Observable<ReadonlyMap<string, Node>> = source.pipe(toState());

export const results: Observable<AckResult<Node>> = source.pipe(
  bufferDuringResync(),
  filterByRevision(),
  trackPrevious(),
  distinctValue((told, value) => told.mtu === value.mtu),
  ackWithCallback(
    {
      resync: ({ entries, diff }, { signal }) =>
        signal.aborted ? entries.get('/nodes/a')?.value.mtu : diff.added.length,
      change: async ({ changes }) => {
        for (const change of changes) if (change.op === 'put') await Promise.resolve(change.value.mtu);
      },
    },
    { timeout: 5_000, concurrency: 2 },
  ),
);

export const published: Observable<AckResult<Node>> = source.pipe(publishTo({ one: broker, two: broker }));

export function describe(event: DatasyncEvent<Node>): string {
  const claim = event.claim();
  claim.done();
  return event.type === 'resync' ? `${event.reason} ${event.entries.size}` : `${event.changes.length}`;
}

export const mapped: ResyncEvent<number> = ResyncEvent.of({ x: { mtu: 1 } }, 1).with<number>({
  entries: ResyncEvent.of({ x: 1 }).entries,
  diff: { added: [], changed: [], removed: [] },
  rejected: [],
});
export const made: ChangeEvent<Node> = ChangeEvent.put('x', { mtu: 1 }, 1);

export const own: Source<Node> = fromBackend(
  pinned<number>({
    list: () => of({ entries: [], position: 1, revision: 1 }),
    watch: ({ from }) => timer(from).pipe(map(() => ({ type: 'progress', position: from, revision: from }))),
  }),
  { prefixes: [''], codec },
);

export const files: Source<unknown> = fromFiles({ paths: ['config/'], prefixes: [''] });
export const yaml: string = yamlCodec<Node>().name;
export const codes: string[] = Object.keys(errorCodes);
export const history: History<Node> = new History<Node>();
export const tests: readonly unknown[] = [notation.parse('{x:1}@7'), runMarbles, validate];

export async function write(): Promise<void> {
  await using other: Broker<Node> = broker.under('/nodes/');
  const { revision } = await other.txn().put('a', { mtu: 1 }).delete('b').commit({ timeout: 1 });
  if (revision === undefined) return;
}
