import { describe, expect, it } from 'vitest';
import { needShared, shared } from './shared.ts';

describe.runIf(needShared('etcd-3.4'))('the shared server', () => {
  it('is started once', async () => {
    const [one, two] = await Promise.all([shared('etcd-3.4'), shared('etcd-3.4')]);
    expect(one).toBe(two);
    expect((await fetch(`${one.endpoints[0]}/health`)).status).toBe(200);
  });
});
