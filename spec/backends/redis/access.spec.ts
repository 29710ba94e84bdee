import { describe, expect, it } from 'vitest';
import { Access } from '../../../lib/backends/redis/access.ts';
import { fakeClient } from './fakeClient.ts';
import { until } from './follower.ts';

describe('what waits for a connection', () => {
  it('is sent in the order in which it was asked for, whenever that was made', async () => {
    const sent: unknown[] = [];
    let attempts = 0;
    let connect: (answer: string) => void = () => undefined;
    const client = fakeClient((command, [key]) => {
      if (command !== 'PING') return command === 'SET' ? void sent.push(key) : '';
      attempts += 1;
      if (attempts === 1) return new Error('it is not there');
      return new Promise((resolve) => {
        connect = resolve;
      });
    });
    const access = new Access(client, 20_000);
    const first = access.write('SET', 'first', '1');
    await until(() => attempts === 0 && 'nobody connects');
    await new Promise((resolve) => setTimeout(resolve));
    const second = access.write('SET', 'second', '1');
    await until(() => attempts < 2 && 'nobody tries again');
    // Time enough for whoever would wait for a while after an attempt of its own.
    await new Promise((resolve) => setTimeout(resolve, 100));
    connect('PONG');
    await Promise.all([first, second]);
    expect(sent).toEqual(['first', 'second']);
    expect(attempts).toBe(2);
    access.close();
  });
});
