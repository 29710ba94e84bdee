import { type DatasyncEvent, jsonCodec } from 'rx-datasync';
import type { RedisStore } from 'rx-datasync/redis';
import { concatMap, lastValueFrom, takeWhile } from 'rxjs';

/** A contact of the phone book. */
interface Contact {
  readonly company: string;
  readonly phone: string;
}

type Print = (line: string) => void;

/**
 * Keeps a phone book in Redis, and prints what a subscription to it is told.
 *
 * @param prefix of all its keys; in a cluster a transaction takes only what lies together, as all keys with one `{tag}` do
 */
export async function run(redis: RedisStore, prefix: string, print: Print): Promise<void> {
  const codec = jsonCodec<Contact>();
  const book = redis.broker({ prefix, codec });
  const session = redis.broker({ prefix, codec });
  await book.deletePrefix('');

  const ann = { company: 'Ropes', phone: '0100' };
  const bob = { company: 'Bells', phone: '0200' };
  const cid = { company: 'Bells', phone: '0201' };
  const moved = { ...bob, phone: '0300' };

  // What follows as soon as we have been told that these are there.
  const steps: (readonly [told: string, next: () => Promise<unknown>])[] = [
    ['', () => book.put('ann', ann)],
    // All of it or nothing.
    ['ann 0100', () => book.txn().put('bob', bob).put('cid', cid).delete('ann').commit()],
    [
      'bob 0200, cid 0201',
      async () => {
        const found = await book.get('bob');
        print(`  bob is with ${found.found ? found.value.company : 'nobody'}`);
        print(`  ann is there: ${(await book.get('ann')).found}`);
        print(`  who is there: ${(await book.listKeys()).join(', ')}`);
        print(`  bob moves: ${(await book.compareAndSwap('bob', bob, moved)).swapped}`);
        print(`  and once more: ${(await book.compareAndSwap('bob', bob, moved)).swapped}`);
      },
    ],
    // Gone by itself, after a minute; or rather at once.
    ['bob 0300, cid 0201', () => book.put('dee', ann, { ttl: 60_000 })],
    ['bob 0300, cid 0201, dee 0100', () => book.put('dee', ann, { ttl: 100 })],
    // Gone with this program, or with this broker.
    ['bob 0300, cid 0201', () => session.put('eve', ann, { lifetime: 'client' })],
    ['bob 0300, cid 0201, eve 0100', () => session.close()],
    [
      'bob 0300, cid 0201',
      async () => {
        print(`  cid is deleted: ${(await book.delete('cid')).existed}`);
        print(`  and once more: ${(await book.delete('cid')).existed}`);
      },
    ],
    ['bob 0300', async () => print(`  and all that begin with b: ${(await book.deletePrefix('b')).deleted}`)],
    ['', () => book.close()],
  ];

  const phones = new Map<string, string>();
  const events = redis.source({ prefixes: [prefix], codec }).pipe(
    concatMap(async (event) => {
      for (const line of take(event, prefix, phones)) print(line);
      const told = Array.from(phones, (pair) => pair.join(' ')).sort();
      if (steps[0]![0] === told.join(', ')) await steps.shift()![1]();
      return steps.length;
    }),
    takeWhile((left) => left > 0),
  );
  await lastValueFrom(events, { defaultValue: undefined });
}

/** Takes over what an event says. @returns what is printed of it */
function take(event: DatasyncEvent<Contact>, prefix: string, phones: Map<string, string>): readonly string[] {
  if (event.type === 'resync') {
    phones.clear();
    for (const { key, value } of event.entries) phones.set(key.slice(prefix.length), value.phone);
    return [`${event.entries.size} contacts (${event.reason})`];
  }
  return event.changes.map((change) => {
    const name = change.key.slice(prefix.length);
    if (change.op === 'delete') {
      phones.delete(name);
      return `- ${name}`;
    }
    const { company, phone } = change.value;
    phones.set(name, phone);
    const before = change.prevValue?.phone;
    return before === undefined ? `+ ${name}: ${company}, ${phone}` : `~ ${name}: ${before} → ${phone}`;
  });
}
