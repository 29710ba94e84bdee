import { describe, expect, it, vi } from 'vitest';
import { loadSeedConfig } from '../../../lib/backends/internal/loadSeedConfig.ts';
import { seedKey } from '../../../lib/backends/internal/seedKeys.ts';

// As if it were not installed.
vi.mock('js-yaml', () => {
  throw Object.assign(new Error("Cannot find package 'js-yaml'"), { code: 'ERR_MODULE_NOT_FOUND' });
});

describe('loadSeedConfig without js-yaml', () => {
  const load = (yaml: string) =>
    loadSeedConfig({ yaml }, { db: seedKey.count }, { where: 'redisConfig', backend: 'redis' });

  it('reads JSON, and complains of it without lines', async () => {
    expect(await load(' {"db": 1}')).toEqual({ db: 1 });
    expect(await load('# nothing\n')).toEqual({});
    await expect(load('{"dbb": 1}')).rejects.toThrow(
      "[rx-datasync/redis] redisConfig: unknown key 'dbb'; did you mean 'db'? known are db",
    );
  });

  it('says where broken JSON breaks', async () => {
    await expect(load('{\n  "db": 1,\n}')).rejects.toMatchObject({ code: 'PARSE_FAILED', line: 3, column: 1 });
  });

  it('asks for it where there is YAML', async () => {
    await expect(load('db: 1')).rejects.toMatchObject({ code: 'MISSING_PEER', backend: 'redis' });
    await expect(load('db: 1')).rejects.toThrow(/needs the package 'js-yaml'.*: npm install js-yaml@5 /);
  });
});
