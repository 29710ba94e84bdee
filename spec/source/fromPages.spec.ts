import { config, firstValueFrom, take, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { type Fetched, fromPages } from '../../lib/source/fromPages.ts';

const pages: Record<string, Fetched<string[], string>> = {
  start: { page: ['a'], next: 'second' },
  second: { page: ['b'], next: 'third' },
  third: { page: ['c'] },
};

/** One macrotask later all Promises that were settled have been heard. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

afterEach(() => {
  config.onStoppedNotification = null;
});

describe('fromPages', () => {
  it('asks for one page after the other, with the token of the last', async () => {
    const tokens: unknown[] = [];
    const all = fromPages((token: string | undefined) => {
      tokens.push(token);
      return Promise.resolve(pages[token ?? 'start']!);
    });
    expect(await firstValueFrom(all.pipe(toArray()))).toEqual([['a'], ['b'], ['c']]);
    expect(tokens).toEqual([undefined, 'second', 'third']);
  });

  it.each([5, undefined, null, {}, ['a']])('%o is no page: an error that says what was expected', async (fetched) => {
    const seen: unknown[] = [];
    fromPages(() => Promise.resolve(fetched as never)).subscribe({
      next: (page) => seen.push(page),
      error: (error: unknown) => seen.push(error),
    });
    await turn();
    expect(seen).toMatchObject([
      {
        code: 'INVALID_CONFIG',
        message: expect.stringContaining("fromPages: 'fetch' must resolve to { page, next }, not") as unknown,
      },
    ]);
  });

  it('is cold: each subscription starts from the first page', async () => {
    let started = 0;
    const all = fromPages((token: string | undefined) => {
      if (token === undefined) started++;
      return Promise.resolve(pages[token ?? 'start']!);
    });
    await Promise.all([firstValueFrom(all.pipe(toArray())), firstValueFrom(all.pipe(toArray()))]);
    expect(started).toBe(2);
  });

  it('has one request at a time, and none ahead of the consumer', async () => {
    let asked = 0;
    const all = fromPages((token: string | undefined) => {
      asked++;
      return Promise.resolve(pages[token ?? 'start']!);
    });
    expect(await firstValueFrom(all.pipe(take(1), toArray()))).toEqual([['a']]);
    await turn();
    expect(asked).toBe(1);
  });

  it('aborts when it is unsubscribed, and what comes after that is dropped', async () => {
    const stopped: unknown[] = [];
    config.onStoppedNotification = (notification) => stopped.push(notification);
    const signals: AbortSignal[] = [];
    let answer: (fetched: Fetched<string, string>) => void = () => undefined;
    let refuse: (error: unknown) => void = () => undefined;
    const all = fromPages<string>((_, signal) => {
      signals.push(signal);
      return new Promise((resolve, reject) => {
        answer = resolve;
        refuse = reject;
      });
    });
    const got: string[] = [];
    all.subscribe((page) => got.push(page)).unsubscribe();
    expect(signals[0]!.aborted).toBe(true);
    answer({ page: 'late', next: 'more' });
    await turn();
    all.subscribe({ error: (error: unknown) => got.push(String(error)) }).unsubscribe();
    refuse(new Error('aborted'));
    await turn();
    expect([got, signals.length, stopped]).toEqual([[], 2, []]);
  });

  it('aborts when it has ended, so that nothing is left behind', async () => {
    let signal: AbortSignal | undefined;
    await firstValueFrom(
      fromPages((_, given) => {
        signal = given;
        return Promise.resolve({ page: 1 });
      }),
    );
    expect(signal!.aborted).toBe(true);
  });

  const failing = (how: (token: string | undefined) => unknown) =>
    firstValueFrom(fromPages(how as (token: string | undefined) => Promise<Fetched<string[], string>>).pipe(toArray()));

  it.each([
    ['rejects', () => Promise.reject(new Error('no')), 'no'],
    ['throws', thrown, 'thrown'],
    ['gives no Promise', () => 7, 'then'],
    ['gives undefined', () => undefined, 'undefined'],
    ['resolves with undefined', () => Promise.resolve(), 'undefined'],
  ])('is an error when the first page %s', async (_, how, message) => {
    await expect(failing(how)).rejects.toThrow(message);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('no')), 'no'],
    ['throws', thrown, 'thrown'],
    ['gives no Promise', () => 7, 'then'],
    ['gives undefined', () => undefined, 'undefined'],
    ['resolves with undefined', () => Promise.resolve(), 'undefined'],
  ])('and when a later page %s', async (_, how, message) => {
    await expect(failing((token) => (token === undefined ? Promise.resolve(pages['start']) : how()))).rejects.toThrow(
      message,
    );
  });

  it('rejected with undefined it fails, too', async () => {
    await expect(failing(() => Promise.reject(undefined))).rejects.toBeUndefined();
  });

  it('may be a thenable', async () => {
    const thenable: PromiseLike<Fetched<string, string>> = {
      // biome-ignore lint/suspicious/noThenProperty: that is what a thenable is
      then: (resolve) => Promise.resolve(resolve!({ page: 'a' })) as never,
    };
    expect(await firstValueFrom(fromPages(() => thenable))).toBe('a');
  });
});

function thrown(): never {
  throw new Error('thrown');
}
