import { firstValueFrom, Subject } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Access } from '../../../lib/backends/redis/access.ts';
import { type Change, Lifetimes } from '../../../lib/backends/redis/lifetimes.ts';
import { until } from './follower.ts';

/** A store that takes everything; what is renewed is answered when the test says so. */
function place(ttl: number) {
  const renewals: { readonly key: string; readonly master: string; readonly end: (error?: Error) => void }[] = [];
  const ownerOf = (key: Uint8Array) => Buffer.from(key).toString().split('/')[0]!;
  let isTried = false;
  const write = (command: string, _hash: string, _count: string, key: Uint8Array) => {
    if (command !== 'EVALSHA') return Promise.resolve('OK');
    return new Promise<unknown>((resolve, reject) => {
      const end = (error?: Error) => (error === undefined ? resolve(1) : reject(error));
      renewals.push({ key: Buffer.from(key).toString(), master: ownerOf(key), end });
    });
  };
  const access = {
    ...{ write, ownerOf, isAsked: false, nodes: () => Promise.resolve([]), close: () => undefined },
    read: () => {
      isTried = true;
      return Promise.resolve(-1);
    },
    besides: () => access,
  } as unknown as Access;
  const lifetimes = new Lifetimes(access, ttl);
  onTestFinished(() => void lifetimes.close());
  const put = (names: readonly string[], answer = Promise.resolve()) => {
    const changes = names.map((name): Change => ({ name, key: Buffer.from(name), lasting: Buffer.from('1') }));
    return lifetimes.write(
      changes,
      () => answer,
      () => isTried,
    );
  };
  return { lifetimes, renewals, put };
}

const names = (master: string, count: number) => Array.from({ length: count }, (_, i) => `${master}/${i}`);

describe("keys with lifetime: 'client'", () => {
  it('what is answered when the broker is closed is not kept alive by anybody', async () => {
    const { lifetimes, renewals, put } = place(3);
    const answer = new Subject<void>();
    const late = put(['late/0'], firstValueFrom(answer));
    await until(() => !answer.observed && 'it is not sent');
    await lifetimes.close();
    answer.next();
    await late;
    const other = place(3);
    await other.put(['other/0']);
    let rounds = 0;
    await until(() => {
      for (const { end } of other.renewals.splice(0)) {
        end();
        rounds += 1;
      }
      return rounds < 3 && `the other was renewed ${rounds} times`;
    });
    expect(renewals).toEqual([]);
  });

  it('many are renewed so many at a time that each has its time; a master that says nothing is asked once in a round', async () => {
    const { renewals, put } = place(300);
    await put([...names('silent', 2_500), ...names('good', 2_500)]);
    const answered = new Set<string>();
    await until(() => {
      const open = renewals.splice(0);
      for (const master of ['silent', 'good'])
        expect(open.filter((each) => each.master === master).length).toBeLessThanOrEqual(1_000);
      for (const { key, master, end } of open) {
        end(master === 'silent' ? new Error('no answer') : undefined);
        answered.add(key);
      }
      return answered.size < 3_500 && `${answered.size} were renewed`;
    });
    expect(answered.size).toBe(3_500);
  });
});
