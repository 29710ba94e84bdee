import { setTimeout as sleep } from 'node:timers/promises';
import {
  ackWithCallback,
  bytesCodec,
  type ConsumerOutcome,
  consumer,
  type DatasyncEvent,
  fromMemory,
  jsonCodec,
  memoryBroker,
  memoryStore,
  orderedResync,
  textCodec,
  toState,
} from 'rx-datasync';
import { firstValueFrom, lastValueFrom, share, takeWhile, tap, timer } from 'rxjs';

interface Interface {
  readonly mtu: number;
}

interface Route {
  readonly via: string;
}

interface Rule {
  readonly allow: string;
}

/** A network node: each part is configured by its own keys, and the later parts depend on those before. */
export async function run(print: (line: string) => void): Promise<void> {
  const store = memoryStore();
  await fill(store);
  const interfaces = new Set<string>();
  let isLogFull = true;

  const node = orderedResync([
    // Work of any kind: synchronous, ...
    consumer('interfaces', '/interface/', jsonCodec<Interface>(), {
      resync: ({ entries }) => {
        interfaces.clear();
        for (const { key } of entries) interfaces.add(nameOf(key));
      },
      change: ({ changes }) => {
        for (const { op, key } of changes) {
          if (op === 'put') interfaces.add(nameOf(key));
          else interfaces.delete(nameOf(key));
        }
      },
    }),
    // ... an Observable, ...
    consumer('addresses', '/address/', textCodec, { resync: () => timer(5), change: () => timer(1) }),
    // ... or a Promise, here of one that fails where it depends on what is not there.
    consumer('routes', '/route/', jsonCodec<Route>(), {
      resync: async ({ entries }) => {
        await sleep(5);
        for (const { key, value } of entries) check(key, value);
      },
      change: async ({ changes }) => {
        await sleep(1);
        for (const change of changes) if (change.op === 'put') check(change.key, change.value);
      },
    }),
    // A pipeline of its own, with a limit.
    consumer(
      'rules',
      '/rule/',
      jsonCodec<Rule>(),
      (rules) => rules.pipe(ackWithCallback({ resync: () => timer(2), change: () => timer(2) })),
      { timeout: 1_000 },
    ),
    // One that wants to know everything, and never says how it went.
    consumer('view', '', textCodec, (texts) =>
      texts.pipe(
        toState(),
        tap((state) => print(`    the view has ${state.size} keys`)),
      ),
    ),
    // Nobody depends on this one: it fails on its first snapshot, and is told again by itself.
    consumer(
      'log',
      '',
      bytesCodec,
      {
        resync: () => {
          if (isLogFull) throw new Error('the disk is full');
        },
        change: () => undefined,
      },
      { required: false },
    ),
  ]);

  function check(key: string, { via }: Route): void {
    if (!interfaces.has(via)) throw new Error(`${key}: there is no interface ${via}`);
  }

  const source = fromMemory(store, { prefixes: [''], codec: bytesCodec, name: 'node' });
  const results = source.pipe(
    node,
    tap(({ event, outcomes, again }) => {
      print(`${what(event)}${again === undefined ? '' : ` for ${again} again`}: ${summary(outcomes)}`);
    }),
    share(),
  );
  // It runs until the log has been told again.
  const over = lastValueFrom(results.pipe(takeWhile(({ again }) => again !== 'log')), { defaultValue: undefined });
  await firstValueFrom(results, { defaultValue: undefined });

  // Both in one transaction: the route comes after the interface it needs.
  const raw = memoryBroker(store, { prefix: '', codec: textCodec });
  await raw.txn().put('/route/web', '{"via":"eth1"}').put('/interface/eth1', '{"mtu":9000}').commit({ timeout: 1_000 });

  // A route through nowhere fails, and the writer hears who failed; the others have taken it over.
  isLogFull = false;
  const { outcomes } = await raw.txn().put('/route/void', '{"via":"eth7"}').commit({ timeout: 1_000 });
  for (const { subscriber, outcome } of outcomes) {
    const errors = outcome.type === 'failed' ? (outcome.error as AggregateError).errors : [];
    for (const error of errors) print(`    the writer hears of ${subscriber}: ${(error as Error).message}`);
  }
  await over;
}

async function fill(store: ReturnType<typeof memoryStore>): Promise<void> {
  const broker = memoryBroker(store, { prefix: '', codec: textCodec });
  await broker.put('/route/default', '{"via":"eth0"}');
  await broker.put('/interface/eth0', '{"mtu":1500}');
  await broker.put('/address/eth0', '10.0.0.1/24');
  await broker.put('/rule/ssh', '{"allow":"10.0.0.0/8"}');
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function what(event: DatasyncEvent<unknown>): string {
  return event.type === 'resync' ? `resync (${event.reason})` : 'change';
}

function summary(outcomes: Readonly<Record<string, ConsumerOutcome>>): string {
  return Object.entries(outcomes)
    .map(([name, { type }]) => `${name} ${type}`)
    .join(', ');
}
