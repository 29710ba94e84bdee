import { type Change, type DatasyncEvent, jsonCodec } from 'rx-datasync';
import type { ConsulStore } from 'rx-datasync/consul';
import { concatMap, lastValueFrom, take } from 'rxjs';

/** A contact of the phone book. */
interface Contact {
  readonly company: string;
  readonly phone: string;
}

type Print = (line: string) => void;

/** Keeps a phone book in Consul, and prints what a subscription to it is told: a step after each event, until it is empty again. */
export async function run(consul: ConsulStore, prefix: string, print: Print): Promise<void> {
  await consul.ready();
  const codec = jsonCodec<Contact>();
  const book = consul.broker({ prefix, codec });
  await book.deletePrefix('');

  const ann = { company: 'Ropes', phone: '0100' };
  const bob = { company: 'Bells', phone: '0200' };
  const cid = { company: 'Bells', phone: '0201' };
  const steps = [
    () => book.put('ann', ann),
    // All of it or nothing, and one event.
    () => book.txn().put('bob', bob).put('cid', cid).delete('ann').commit(),
    async () => {
      const moved = { ...bob, phone: '0300' };
      print(`  bob moves: ${(await book.compareAndSwap('bob', bob, moved)).swapped}`);
      print(`  and once more: ${(await book.compareAndSwap('bob', bob, moved)).swapped}`);
    },
    async () => {
      print(`  is there: ${(await book.listKeys()).join(', ')}`);
      print(`  cid is deleted: ${(await book.delete('cid')).existed}`);
      print(`  and once more: ${(await book.delete('cid')).existed}`);
    },
    // Gone with this program, or with this broker.
    () => book.put('dee', ann, { lifetime: 'client' }),
    () => book.close(),
    () => book.deletePrefix(''),
  ];
  const events = consul.source({ prefixes: [prefix], codec }).pipe(
    take(steps.length + 1),
    concatMap(async (event) => {
      for (const line of linesOf(event, prefix)) print(line);
      await steps.shift()?.();
    }),
  );
  await lastValueFrom(events, { defaultValue: undefined });
}

function linesOf(event: DatasyncEvent<Contact>, prefix: string): readonly string[] {
  if (event.type === 'resync') return [`${event.entries.size} contacts`];
  return event.changes.map((change) => lineOf(change, change.key.slice(prefix.length))).sort();
}

function lineOf(change: Change<Contact>, name: string): string {
  const { prevValue } = change;
  if (change.op === 'delete') return `- ${name}`;
  const { company, phone } = change.value;
  return prevValue === undefined ? `+ ${name}: ${company}, ${phone}` : `~ ${name}: ${prevValue.phone} → ${phone}`;
}
