import { describe, expect, it, onTestFinished } from 'vitest';
import { etcdBroker } from '../../../lib/backends/etcd/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { needServer } from '../../servers/need.ts';
import { etcdClient, ownEtcd } from '../../support/etcd.ts';
import { broken, type CallContext } from '../../support/heldCalls.ts';

const long = { timeout: 20_000, interval: 20 };
const kept = { lifetime: 'client' } as const;
const unknown = { code: 'OUTCOME_UNKNOWN' };

/** A broker some of whose calls a test disturbs. */
async function disturbed() {
  const etcd = await ownEtcd();
  const calls = { reads: 0, disturb: (_: CallContext): object => ({}) };
  const client = etcdClient(etcd.endpoints, {
    defaultCallOptions: (call) => {
      const context = call as CallContext;
      if (context.method === 'Range') calls.reads++;
      return calls.disturb(context);
    },
  });
  const broker = etcdBroker(client, { codec: textCodec, timeout: 500, sessionTtl: 60_000 });
  onTestFinished(() => broker.close());
  await broker.put('other', 'kept', kept);
  /** The keys that came back, when all of them have. */
  const afterTheLeaseIsLost = async () => {
    const [lease] = (await etcd.ctl('lease', 'list')).split('\n').slice(1);
    await etcd.ctl('lease', 'revoke', lease!);
    expect(await etcd.ctl('get', '', '--from-key')).toBe('');
    // It finds out with the next key.
    await broker.put('zzz', 'last', kept);
    await expect.poll(() => etcd.ctl('get', 'other', '--print-value-only'), long).toBe('kept');
    const lines = (await etcd.ctl('get', '', '--from-key')).split('\n');
    return Object.fromEntries(lines.flatMap((key, line) => (line % 2 === 0 ? [[key, lines[line + 1]]] : [])));
  };
  const readBack = async (work: () => Promise<unknown>) => {
    const { reads } = calls;
    await expect(work()).rejects.toMatchObject(unknown);
    calls.disturb = () => ({});
    await expect.poll(() => calls.reads, long).toBeGreaterThan(reads);
    // Whoever asks next comes after it.
    await broker.get('other');
  };
  return { etcd, calls, broker, afterTheLeaseIsLost, readBack };
}

/** The answers of one method are lost, or the requests. */
const losing =
  (method: string, isDone = true) =>
  (call: CallContext) =>
    call.method === method ? broken(isDone) : {};

describe.runIf(needServer('etcd-3.4'))("lifetime 'client' of etcdBroker, when nobody knows what was done", () => {
  it('keeps a key that was put', async () => {
    const { calls, broker, afterTheLeaseIsLost, readBack } = await disturbed();
    calls.disturb = losing('Put');
    await readBack(() => broker.put('a', 'done', kept));
    expect(await afterTheLeaseIsLost()).toEqual({ a: 'done', other: 'kept', zzz: 'last' });
  });

  it('does not put a key that was not, and keeps what it held before', async () => {
    const { calls, broker, afterTheLeaseIsLost, readBack } = await disturbed();
    await broker.put('b', 'before', kept);
    calls.disturb = losing('Put', false);
    await readBack(() => broker.put('a', 'never', kept));
    calls.disturb = losing('Txn', false);
    await readBack(() => broker.txn().put('b', 'never', kept).put('c', 'never', kept).commit());
    expect(await afterTheLeaseIsLost()).toEqual({ b: 'before', other: 'kept', zzz: 'last' });
  });

  it('lets a key go that was deleted, or was put for ever, and keeps one that was not', async () => {
    const { etcd, calls, broker, afterTheLeaseIsLost, readBack } = await disturbed();
    for (const key of ['a', 'b', 'c', 'd/1']) await broker.put(key, 'before', kept);
    calls.disturb = losing('DeleteRange');
    await readBack(() => broker.delete('a'));
    calls.disturb = losing('DeleteRange');
    await readBack(() => broker.deletePrefix('d/'));
    calls.disturb = losing('Txn');
    await readBack(() => broker.compareAndDelete('b', 'something else'));
    calls.disturb = losing('Put');
    await readBack(() => broker.put('c', 'for ever'));
    expect(await broker.get('c')).toMatchObject({ value: 'for ever' });
    await etcd.ctl('del', 'c');
    expect(await afterTheLeaseIsLost()).toEqual({ b: 'before', other: 'kept', zzz: 'last' });
  });
});
