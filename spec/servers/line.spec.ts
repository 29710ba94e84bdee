import { afterEach, describe, expect, it, vi } from 'vitest';
import { lineOf } from './line.ts';

const line = () => lineOf('DATASYNC_SOME_LINE', ['redis', 'valkey'], 'redis-7');

describe('the line of a server that is tested', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is the usual one, or what the environment names', () => {
    expect(line()).toBe('redis-7');
    vi.stubEnv('DATASYNC_SOME_LINE', 'valkey-8');
    expect(line()).toBe('valkey-8');
  });

  it.each(['redis-6', 'consul-1.8', ''])('is not %j: nothing is tested rather than something else', (name) => {
    vi.stubEnv('DATASYNC_SOME_LINE', name);
    expect(line).toThrow(`DATASYNC_SOME_LINE must be one of redis-7, redis-8, valkey-8, not '${name}'`);
  });
});
