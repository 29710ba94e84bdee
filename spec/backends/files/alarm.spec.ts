import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Alarm } from '../../../lib/backends/files/alarm.ts';

describe('Alarm', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  /** The milliseconds after which a scan is due, with hints at some times. */
  function dueAfter(
    rings: readonly number[],
    { rest = 5_000, took = 0, alarm = new Alarm() } = {},
  ): number | undefined {
    let due: number | undefined;
    let now = 0;
    const subscription = alarm.due(rest, took).subscribe(() => {
      due = now;
    });
    for (now = 0; now <= 20_000 && due === undefined; now++) {
      if (rings.includes(now)) alarm.ring();
      vi.advanceTimersByTime(1);
    }
    subscription.unsubscribe();
    expect(vi.getTimerCount()).toBe(0);
    return due === undefined ? undefined : due + 1;
  }

  it('goes off 100 ms after the last hint', () => {
    expect(dueAfter([0])).toBe(100);
    expect(dueAfter([0, 50, 149])).toBe(249);
  });

  it('goes off 500 ms after the first hint, whatever comes', () => {
    expect(dueAfter(Array.from({ length: 1_000 }, (_, ms) => 10 + ms))).toBe(510);
  });

  it('goes off without a hint after the rest', () => {
    expect(dueAfter([])).toBe(5_000);
    expect(dueAfter([], { rest: 20 })).toBe(20);
  });

  it('remembers hints from while nobody waited, until a scan begins', () => {
    const alarm = new Alarm();
    alarm.ring();
    expect(dueAfter([], { alarm })).toBe(100);
    alarm.reset();
    expect(dueAfter([], { alarm })).toBe(5_000);
  });

  it('leaves time between long scans', () => {
    expect(dueAfter([0], { took: 300 })).toBe(300);
    expect(
      dueAfter(
        Array.from({ length: 5_000 }, (_, ms) => ms),
        { took: 300 },
      ),
    ).toBe(1_200);
    expect(dueAfter([], { took: 2_000 })).toBe(20_000);
  });
});
