import { setTimeout as sleep } from 'node:timers/promises';
import {
  ackWithCallback,
  bufferDuringResync,
  type Change,
  type DatasyncEvent,
  fromMemory,
  jsonCodec,
  memoryBroker,
  memoryStore,
  type Outcome,
  type Snapshot,
} from 'rx-datasync';

interface Interface {
  readonly mtu: number;
}

/** What your code does with the data. It takes time, and it can fail. */
class Router {
  #booted = false;

  async replaceAll(interfaces: Snapshot<Interface>): Promise<void> {
    await sleep(10);
    if (!this.#booted) {
      this.#booted = true;
      throw new Error('the router is still booting');
    }
    check(interfaces.items);
  }

  async apply(changes: readonly Change<Interface>[]): Promise<void> {
    await sleep(10);
    check(changes.filter((change) => change.op === 'put'));
  }
}

function check(interfaces: readonly { readonly key: string; readonly value: Interface }[]): void {
  for (const { key, value } of interfaces) {
    if (value.mtu > 9216) throw new Error(`${key}: an MTU of ${value.mtu} is too large`);
  }
}

/** A writer and a router: the resync that fails is told again, the change that fails is reported to the writer. */
export async function run(print: (line: string) => void): Promise<void> {
  const store = memoryStore();
  const codec = jsonCodec<Interface>();
  const interfaces = memoryBroker(store, { prefix: '/interfaces/', codec });
  await interfaces.put('eth0', { mtu: 1500 });

  const router = new Router();
  const source = fromMemory(store, {
    prefixes: ['/interfaces/'],
    codec,
    name: 'router',
    delivery: { redeliver: { delay: 50 } },
  });
  const subscription = source
    .pipe(
      bufferDuringResync(),
      ackWithCallback({
        resync: (event) => router.replaceAll(event.entries),
        change: (event) => router.apply(event.changes),
      }),
    )
    .subscribe({
      next: ({ event, outcome }) => print(`${what(event)} -> ${words(outcome)}`),
      error: (error: unknown) => print(`over: ${String(error)}`),
    });

  // The first resync fails, so this change waits; the resync that is told again contains it.
  await sleep(20);
  await interfaces.put('eth1', { mtu: 9000 });
  await sleep(100);

  // A commit waits for the router, and brings back what it says.
  for (const mtu of [1400, 65_536, 1300]) {
    const { outcomes } = await interfaces.txn().put('eth0', { mtu }).commit({ timeout: 1_000 });
    for (const { subscriber, outcome } of outcomes) print(`  writer: ${subscriber} says ${words(outcome)}`);
  }
  await interfaces.delete('eth1');
  await sleep(30);
  subscription.unsubscribe();
}

function what(event: DatasyncEvent<Interface>): string {
  if (event.type === 'change') return `change: ${event.changes.map(shown).join(', ')}`;
  return `resync (${event.reason}): ${event.entries.items.map(({ key, value }) => `${key} ${value.mtu}`).join(', ')}`;
}

function shown(change: Change<Interface>): string {
  if (change.op === 'delete') return `${change.key} is gone`;
  return `${change.key} ${change.prevValue?.mtu ?? 'new'} > ${change.value.mtu}`;
}

function words(outcome: Outcome): string {
  return outcome.type === 'failed' ? `failed (${(outcome.error as Error).message})` : outcome.type;
}
