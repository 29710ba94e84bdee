/**
 * Follows the interfaces of two places, until Ctrl-C, and tells the publisher how each event ended.
 *
 *     npx tsx examples/datasync-demo/consumer.ts
 */
import { ackWithCallback, bufferDuringResync, type ChangeEvent, type Outcome, type ResyncEvent } from 'rx-datasync';
import { BehaviorSubject, concatMap, defer, lastValueFrom, retry, takeUntil } from 'rxjs';
import { stopped, withEtcd } from '../etcd/withEtcd.ts';
import { east, type Interface, interfaces, prefix, west, word, words } from './places.ts';

const largest = 9216;
const prefixes = new BehaviorSubject([east, west]);
let changes = 0;

/** The work: what it throws is the outcome of the event. */
function configure(key: string, { mtu }: Interface): void {
  if (mtu > largest) throw new Error(`${nameOf(key)}: an mtu of ${mtu} is more than ${largest}`);
}

function resync({ reason, entries }: ResyncEvent<Interface>): void {
  console.log(`resync (${reason}): ${entries.size} interfaces`);
  for (const { key, value } of entries.sorted()) {
    console.log(`  ${nameOf(key)}: ${value.mtu}`);
    configure(key, value);
  }
}

function change(event: ChangeEvent<Interface>): void {
  console.log('change');
  for (const { key, prevValue, ...put } of event.changes) {
    console.log(`  ${nameOf(key)}: ${prevValue?.mtu ?? 'none'} → ${put.op === 'put' ? put.value.mtu : 'none'}`);
    if (put.op === 'put') configure(key, put.value);
  }
  changes += 1;
  // From now on west is somebody else's.
  if (changes === 2) prefixes.next([east]);
}

function nameOf(key: string): string {
  return key.slice(prefix.length);
}

function textOf(outcome: Outcome): string {
  if (outcome.type !== 'failed') return outcome.type;
  return `failed: ${outcome.error instanceof Error ? outcome.error.message : String(outcome.error)}`;
}

await withEtcd(async (etcd) => {
  const broker = etcd.broker({ prefix, codec: words });
  // Putting it twice does no harm, so it is tried again where nobody knows whether it was written.
  const tell = (revision: number, outcome: string) =>
    defer(() => broker.put(word, { revision, outcome })).pipe(retry({ count: 5, delay: 1_000 }));
  const told = etcd.source({ prefixes, codec: interfaces }).pipe(
    bufferDuringResync(),
    ackWithCallback({ resync, change }),
    concatMap(({ event, outcome }) => {
      console.log(`  ${textOf(outcome)}`);
      return tell(event.revision, textOf(outcome));
    }),
    takeUntil(stopped),
  );
  await lastValueFrom(told, { defaultValue: undefined });
});
