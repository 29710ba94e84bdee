import { expect, it, onTestFinished, vi } from 'vitest';
import type { Calls } from '../../../lib/backends/etcd/calls.ts';
import { Session } from '../../../lib/backends/etcd/session.ts';
import { encodeMessage } from '../../../lib/backends/etcd/wire.ts';
import { DatasyncError, type ErrorCode } from '../../../lib/model/errors.ts';

/** Of a lease that lasts a second, with the number 7. */
const granted = Promise.resolve(Buffer.from(encodeMessage({ 2: 7, 3: 1 })));

/** A session that holds a key, and is refused everything from now on. */
async function refused(code: ErrorCode) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const asked: number[] = [];
  let isRefused = false;
  const answer = () => {
    if (!isRefused) return granted;
    asked.push(Date.now());
    return Promise.reject(new DatasyncError(code, 'no'));
  };
  const calls = {
    read: answer,
    exchange: answer,
    detach: (work: Promise<unknown>) => void work.catch(() => undefined),
  } as unknown as Calls;
  const session = new Session(calls, 1_000, { restore: () => granted, read: () => Promise.resolve(undefined) });
  await session.lease();
  const put = { op: 'put', key: 'a', value: Uint8Array.of(1), lifetime: 'client' } as const;
  await session.writing([put], () => Promise.resolve({}));
  isRefused = true;
  return { asked, session };
}

it('asks a server that refuses it twice as late each time, and in the end every 30 seconds', async () => {
  const { asked, session } = await refused('ACCESS_DENIED');
  await vi.advanceTimersByTimeAsync(600_000);
  // The shorter ones are the turns in which the lease was to be kept alive.
  const waits = asked.slice(1).flatMap((time, index) => (time - asked[index]! >= 500 ? [time - asked[index]!] : []));
  expect(waits.slice(0, 6)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000]);
  expect(new Set(waits.slice(6))).toEqual(new Set([30_000]));
  await session.close();
  asked.length = 0;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked).toEqual([]);
});

it('asks again soon where no server can be reached: that takes its time by itself', async () => {
  const { asked, session } = await refused('CONNECTION_LOST');
  // Until it gives the lease up.
  await vi.advanceTimersByTimeAsync(2_000);
  asked.length = 0;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toHaveLength(20);
  await session.close();
});
