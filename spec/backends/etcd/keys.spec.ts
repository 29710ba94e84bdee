import { Etcd3 } from 'etcd3';
import { lastValueFrom, of } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromEtcd, listEtcd, watchEtcd } from '../../../lib/backends/etcd/index.ts';

describe('prefixes of etcd as bytes', () => {
  it.each([
    ['utf8', '\ud83d'],
    ['utf8', 'a\udcff'],
    ['latin1', '\u0161'],
  ] as const)('what %s cannot write is refused, and not watched as something else: %j', async (keyEncoding, prefix) => {
    const client = new Etcd3({ hosts: '127.0.0.1:1' });
    onTestFinished(() => client.close());
    const wrong = { code: 'INVALID_CONFIG', message: expect.stringContaining(JSON.stringify(prefix)) as string };
    const config = { prefixes: ['ok', prefix], keyEncoding };
    const makes: readonly (() => unknown)[] = [
      () => fromEtcd(client, config),
      () => listEtcd(client, config),
      () => watchEtcd(client, config),
    ];
    for (const make of makes) expect(make).toThrow(expect.objectContaining(wrong) as Error);
    const later = fromEtcd(client, { prefixes: of([prefix]), keyEncoding });
    await expect(lastValueFrom(later)).rejects.toMatchObject(wrong);
  });
});
