import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fromMemory, jsonCodec, memoryBroker, memoryStore, type SourceStatus, shareResync } from 'rx-datasync';
import { filter, firstValueFrom, ReplaySubject } from 'rxjs';
import { type Received, WebClient } from './webClient.ts';
import { webServer } from './webServer.ts';

/** One source, two clients: the late one gets a resync of its own, and the source is read once. */
export async function run(print: (line: string) => void): Promise<void> {
  const store = memoryStore();
  const codec = jsonCodec<string>();
  const broker = memoryBroker(store, { codec });
  const status = new ReplaySubject<SourceStatus>(100);
  const nodes = fromMemory(store, { prefixes: ['/nodes/'], codec, statusObserver: status }).pipe(shareResync());

  const server = webServer(nodes).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const [ada, bob] = [new WebClient(url), new WebClient(url)];
  const show = async (name: string, client: WebClient): Promise<void> =>
    print(`${name}: ${shown(await client.next())}`);

  await broker.put('/nodes/a', 'up');
  await broker.put('/nodes/b', 'up');
  await show('ada', ada);
  await broker.put('/nodes/a', 'down');
  await show('ada', ada);

  await show('bob, who comes late', bob);
  await broker.delete('/nodes/b');
  await show('ada', ada);
  await show('bob', bob);

  ada.close();
  await broker.put('/nodes/c', 'up');
  await show('bob', bob);
  bob.close();

  const closed = status.pipe(filter(({ state }) => state === 'closed'));
  const last = await firstValueFrom(closed, { defaultValue: undefined });
  print(`subscriptions to the source: ${last?.subscription ?? 0}, now closed`);
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

function shown({ type, epoch, entries = [], changes = [] }: Received): string {
  if (type === 'resync') return `resync ${epoch}: ${entries.map(({ key, value }) => `${key} ${value}`).join(', ')}`;
  return `change: ${changes.map(({ key, value }) => `${key} ${value ?? 'is gone'}`).join(', ')}`;
}
