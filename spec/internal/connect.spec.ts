import { concat, EMPTY, NEVER, Observable, of, range, Subject, Subscription, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { attach, connect } from '../../lib/internal/connect.ts';

function connected(source: Observable<number>, stopAt = Infinity) {
  const log: unknown[] = [];
  const handle = new Subscription();
  const observer = {
    next: (value: number) => {
      log.push(value);
      if (value === stopAt) handle.unsubscribe();
    },
    error: (error: unknown) => log.push(error),
    complete: () => log.push('|'),
  };
  connect(source, observer, handle);
  return { log, handle, observer };
}

describe('connect', () => {
  it('passes everything on, and is over with its source', () => {
    const good = connected(of(1, 2));
    expect([good.log, good.handle.closed]).toEqual([[1, 2, '|'], true]);
    const bad = connected(
      concat(
        of(1),
        throwError(() => 'no'),
      ),
    );
    expect([bad.log, bad.handle.closed]).toEqual([[1, 'no'], true]);
  });

  it('cuts off a synchronous source inside its own subscribe', () => {
    let produced = 0;
    const source = new Observable<number>((subscriber) => {
      for (let i = 1; i <= 1_000 && !subscriber.closed; i++) subscriber.next(++produced);
    });
    const { log } = connected(source, 3);
    expect([log, produced]).toEqual([[1, 2, 3], 3]);
    expect(connected(range(1, 1_000), 3).log).toEqual([1, 2, 3]);
  });

  it('says nothing after it was unsubscribed, and unsubscribes its source', () => {
    const source = new Subject<number>();
    const { log, handle } = connected(source);
    source.next(1);
    handle.unsubscribe();
    expect(source.observed).toBe(false);
    source.next(2);
    source.complete();
    expect(log).toEqual([1]);
  });

  it('a source that ends is torn down after it has said so', () => {
    for (const end of ['complete', 'error'] as const) {
      const log: string[] = [];
      const source = new Observable<number>((subscriber) => {
        subscriber.add(() => log.push('torn down'));
        subscriber[end]('no');
      });
      const say = () => void log.push(end);
      connect(source, { next: () => undefined, error: say, complete: say }, new Subscription());
      expect(log).toEqual([end, 'torn down']);
    }
  });

  it('is closed before the end is told: what the observer does then cannot come back', () => {
    const closed: boolean[] = [];
    for (const source of [EMPTY, throwError(() => 'no')]) {
      const handle = new Subscription();
      const end = () => closed.push(handle.closed);
      connect(source, { next: () => undefined, error: end, complete: end }, handle);
    }
    expect(closed).toEqual([true, true]);
  });

  it('does not subscribe on a handle that is closed already', () => {
    let subscribed = 0;
    const handle = new Subscription();
    handle.unsubscribe();
    const source = new Observable<number>((subscriber) => subscriber.next(++subscribed));
    connect(source, { next: () => subscribed++, error: () => undefined, complete: () => undefined }, handle);
    expect(subscribed).toBe(0);
  });
});

describe('attach', () => {
  const observer = { next: () => undefined, error: () => undefined, complete: () => undefined };

  it('ends with its owner', () => {
    const owner = new Subscription();
    const source = new Subject<void>();
    attach(owner, source, observer);
    expect(source.observed).toBe(true);
    owner.unsubscribe();
    expect(source.observed).toBe(false);
  });

  it('or before, by its own handle; the owner lives', () => {
    const owner = new Subscription();
    const source = new Subject<void>();
    attach(owner, source, observer).unsubscribe();
    expect([source.observed, owner.closed]).toEqual([false, false]);
    attach(owner, EMPTY, observer);
    expect(owner.closed).toBe(false);
  });

  it('does not begin when the owner is over', () => {
    const owner = new Subscription();
    owner.unsubscribe();
    const source = new Subject<void>();
    expect(attach(owner, source, observer).closed).toBe(true);
    expect(source.observed).toBe(false);
    expect(attach(owner, NEVER, observer).closed).toBe(true);
  });
});
