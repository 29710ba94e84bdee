import { firstValueFrom, Subject } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Access } from '../../../lib/backends/redis/access.ts';
import { type Change, Lifetimes } from '../../../lib/backends/redis/lifetimes.ts';
import { DatasyncError } from '../../../lib/model/errors.ts';
import { until } from './follower.ts';

/** A store that takes everything; what is renewed is answered when the test says so. */
function place(ttl: number, told?: Promise<string>) {
  const renewals: { readonly key: string; readonly master: string; readonly end: (answer: number | Error) => void }[] =
    [];
  const sent: string[] = [];
  let putting: Promise<unknown> = Promise.resolve('OK');
  let look = Promise.resolve();
  let looks = 0;
  const ownerOf = (key: Uint8Array) => Buffer.from(key).toString().split('/')[0]!;
  let isTried = false;
  const write = (command: string, _hash: string, _count: string, key: Uint8Array) => {
    if (command !== 'EVALSHA') {
      sent.push(command);
      return putting;
    }
    return new Promise<unknown>((resolve, reject) => {
      const end = (answer: number | Error) => (answer instanceof Error ? reject(answer) : resolve(answer));
      renewals.push({ key: Buffer.from(key).toString(), master: ownerOf(key), end });
    });
  };
  const nodes = () => {
    looks += 1;
    return look.then(() => (told === undefined ? [] : [{ name: 'asked', call: () => told }]));
  };
  const access = {
    ...{ write, ownerOf, isAsked: told !== undefined, nodes, close: () => undefined },
    read: () => {
      isTried = true;
      return Promise.resolve(-1);
    },
    besides: () => access,
  } as unknown as Access;
  const lifetimes = new Lifetimes(access, ttl);
  onTestFinished(() => void lifetimes.close());
  const put = (names: readonly string[], answer = Promise.resolve()) => {
    const changes = names.map(
      (name): Change => ({ name, lasting: { key: Buffer.from(name), value: Buffer.from('1') } }),
    );
    return lifetimes.write(
      changes,
      () => answer,
      () => isTried,
    );
  };
  /** Nobody hears of losses before it says so. */
  const holdLooks = () => {
    const held = new Subject<void>();
    look = firstValueFrom(held);
    const before = looks;
    return { isAwaited: () => looks > before, release: () => held.next() };
  };
  /** What is put again is not answered before it says so. */
  const holdPuts = () => {
    const held = new Subject<string>();
    putting = firstValueFrom(held);
    return () => held.next('OK');
  };
  return { lifetimes, renewals, put, sent, holdLooks, holdPuts };
}

const names = (master: string, count: number) => Array.from({ length: count }, (_, i) => `${master}/${i}`);

/** A deletion. */
const gone: Change = { name: 'p', lasting: undefined };

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
        end(1);
        rounds += 1;
      }
      return rounds < 3 && `the other was renewed ${rounds} times`;
    });
    expect(renewals).toEqual([]);
  });

  it('a deletion without an answer, while one that is gone is about to be put again: it is not', async () => {
    const { lifetimes, renewals, put, sent, holdLooks } = place(300);
    await put(['p']);
    await until(() => renewals.length === 0 && 'it is not renewed');
    const { isAwaited, release } = holdLooks();
    renewals.shift()!.end(-1);
    await until(() => !isAwaited() && 'nobody looks');
    const unknown = new DatasyncError('OUTCOME_UNKNOWN', 'no answer');
    const deleted = lifetimes.write(
      [gone],
      () => Promise.reject(unknown),
      () => true,
    );
    await expect(deleted).rejects.toBe(unknown);
    release();
    await until(() => renewals.length === 0 && 'nothing follows');
    expect(sent).toEqual([]);
    // It may have been done later than that: it is not put again before it was seen.
    renewals.shift()!.end(-1);
    await put(['other']);
    await until(() => renewals.length === 0 && 'nothing follows');
    expect(renewals.map(({ key }) => key)).toEqual(['other']);
  });

  it('what is being put again is written after that, and not before', async () => {
    const { lifetimes, renewals, put, sent, holdPuts } = place(300);
    await put(['p']);
    const release = holdPuts();
    await until(() => renewals.length === 0 && 'it is not renewed');
    renewals.shift()!.end(-1);
    await until(() => sent.length === 0 && 'it is not put again');
    const deleted = lifetimes.write(
      [gone],
      () => Promise.resolve(sent.push('UNLINK')),
      () => true,
    );
    await put(['other']);
    expect(sent).toEqual(['SET']);
    release();
    await deleted;
    expect(sent).toEqual(['SET', 'UNLINK']);
  });

  it('what is gone while a write of it is under way is put again when that was not done, and not before', async () => {
    const { lifetimes, renewals, put, sent, holdLooks } = place(300);
    await put(['p']);
    const answer = new Subject<boolean>();
    const deleted = lifetimes.write(
      [gone],
      () => firstValueFrom(answer),
      (isDone) => isDone,
    );
    await until(() => renewals.length === 0 && 'it is not renewed');
    const { isAwaited, release } = holdLooks();
    renewals.shift()!.end(-1);
    await until(() => !isAwaited() && 'nobody looks');
    release();
    await until(() => renewals.length === 0 && 'no other round');
    expect(sent).toEqual([]);
    answer.next(false);
    await deleted;
    renewals.shift()!.end(-1);
    await until(() => sent.length === 0 && 'it is not put again');
  });

  it('nothing is put before its master has said what it has lost so far', async () => {
    const told = new Subject<string>();
    const { put } = place(300, firstValueFrom(told));
    let isPut = false;
    const first = put(['asked/0']).then(() => {
      isPut = true;
    });
    await put(['other/0']);
    expect(isPut).toBe(false);
    told.next('run_id:1');
    await first;
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
        end(master === 'silent' ? new Error('no answer') : 1);
        answered.add(key);
      }
      return answered.size < 3_500 && `${answered.size} were renewed`;
    });
    expect(answered.size).toBe(3_500);
  });
});
