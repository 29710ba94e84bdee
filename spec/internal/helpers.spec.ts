import { config, Observable, of, Subject, take } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeText, encodeText, jsonOf, sameBytes } from '../../lib/internal/bytes.ts';
import { cold } from '../../lib/internal/cold.ts';
import { drain } from '../../lib/internal/drain.ts';
import { fromAsync } from '../../lib/internal/fromAsync.ts';
import { guarded, report } from '../../lib/internal/report.ts';
import { withSignal } from '../../lib/internal/withSignal.ts';

const turn = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));

describe('bytes', () => {
  const bytes = (...numbers: number[]) => Uint8Array.from(numbers);

  it.each(['', 'plain', 'grün', '\u{1f600}', '\ufeffwith a mark', '\u0000'])('text %j comes back as it was', (text) => {
    expect(decodeText(encodeText(text))).toBe(text);
  });

  it('what is not UTF-8 is refused, not replaced', () => {
    for (const bad of [bytes(0xff), bytes(0xc3), bytes(0xed, 0xa0, 0x80), bytes(0xc0, 0x80)])
      expect(() => decodeText(bad)).toThrow(TypeError);
  });

  it('sameBytes compares byte for byte', () => {
    const one = bytes(1, 2);
    expect(sameBytes(one, one) && sameBytes(one, bytes(1, 2)) && sameBytes(bytes(), bytes())).toBe(true);
    expect(sameBytes(undefined, undefined)).toBe(true);
    expect([bytes(1), bytes(1, 3), bytes(1, 2, 3), bytes(), undefined].some((other) => sameBytes(one, other))).toBe(
      false,
    );
    expect(sameBytes(undefined, bytes())).toBe(false);
  });

  it('jsonOf writes bytes as text, or as base64, and leaves the rest', () => {
    expect(jsonOf(encodeText('é'))).toBe('é');
    expect([5, null, undefined, 'x'].map(jsonOf)).toEqual([5, null, undefined, 'x']);
    const object = { x: 1 };
    expect(jsonOf(object)).toBe(object);
  });

  it('base64 agrees with Buffer, for every length', () => {
    for (let length = 1; length < 12; length++) {
      const raw = Uint8Array.from({ length }, (_, i) => 255 - i * 23);
      expect(jsonOf(raw)).toEqual({ base64: Buffer.from(raw).toString('base64') });
    }
  });
});

describe('cold', () => {
  it('runs its producer for each subscription', () => {
    let runs = 0;
    const source = cold<number>((subscriber) => subscriber.next(++runs));
    const got: number[] = [];
    source.subscribe((value) => got.push(value));
    source.subscribe((value) => got.push(value));
    expect(got).toEqual([1, 2]);
  });
});

describe('drain', () => {
  it('hands over oldest first, also what is added meanwhile', () => {
    const held = [1, 2];
    const got: number[] = [];
    drain(
      held,
      () => true,
      (item) => {
        got.push(item);
        if (item === 1) held.push(3);
      },
    );
    expect([got, held]).toEqual([[1, 2, 3], []]);
  });

  it('stops when it may not go on, and keeps the rest', () => {
    const held = [1, 2, 3];
    const got: number[] = [];
    drain(
      held,
      () => got.length < 2,
      (item) => got.push(item),
    );
    expect([got, held]).toEqual([[1, 2], [3]]);
  });
});

describe('fromAsync', () => {
  it('emits the result once, and completes', async () => {
    const got: unknown[] = [];
    fromAsync(() => Promise.resolve(1)).subscribe({ next: (value) => got.push(value), complete: () => got.push('|') });
    await turn();
    expect(got).toEqual([1, '|']);
  });

  it.each<[string, () => Promise<number>]>([
    ['a rejection', () => Promise.reject(new Error('no'))],
    [
      'an exception',
      () => {
        throw new Error('no');
      },
    ],
  ])('%s is an error', async (_, run) => {
    const errors: unknown[] = [];
    fromAsync(run).subscribe({ error: (error: unknown) => errors.push(error) });
    await turn();
    expect(errors).toEqual([new Error('no')]);
  });

  it('starts anew with each subscription, not before', () => {
    let runs = 0;
    const source = fromAsync(() => Promise.resolve(++runs));
    expect(runs).toBe(0);
    source.subscribe();
    source.subscribe();
    expect(runs).toBe(2);
  });

  it('unsubscribing aborts the signal; what comes back then is dropped, an error too', async () => {
    const signals: AbortSignal[] = [];
    for (const result of [Promise.resolve(1), Promise.reject(new Error('aborted'))]) {
      const run = (signal: AbortSignal) => {
        signals.push(signal);
        return result;
      };
      fromAsync(run)
        .subscribe({ next: () => expect.unreachable(), error: () => expect.unreachable() })
        .unsubscribe();
    }
    await turn();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});

describe('withSignal', () => {
  it('aborts when the subscription ends, for whatever reason', () => {
    const signals: AbortSignal[] = [];
    const given = (source: Observable<number>) =>
      withSignal((signal) => {
        signals.push(signal);
        return source;
      });
    const open = given(new Subject<number>()).subscribe();
    given(of(1)).subscribe();
    given(of(1, 2, 3))
      .pipe(take(1))
      .subscribe();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, true]);
    open.unsubscribe();
    expect(signals[0]!.aborted).toBe(true);
  });

  it('is not aborted while a synchronous source is being read', () => {
    const seen: boolean[] = [];
    withSignal((signal) => new Observable<number>((subscriber) => subscriber.next(Number(signal.aborted)))).subscribe(
      (aborted) => seen.push(aborted === 1),
    );
    expect(seen).toEqual([false]);
  });
});

describe('report', () => {
  const before = config.onUnhandledError;
  afterEach(() => {
    config.onUnhandledError = before;
  });

  it('hands an error to rxjs, as an exception in next would be', async () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error: unknown) => reported.push(error);
    report('no');
    guarded((value: number) => {
      throw value;
    })(5);
    expect(reported).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve));
    expect(reported).toEqual(['no', 5]);
  });

  it('guarded calls through', () => {
    const got: unknown[] = [];
    guarded((...given: number[]) => got.push(...given))(1, 2);
    expect(got).toEqual([1, 2]);
  });
});
