import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findSeedConfig } from '../../../lib/backends/internal/findSeedConfig.ts';
import { setting } from '../../../lib/backends/internal/flag.ts';
import { failureOf } from '../../support/failureOf.ts';
import { temporaryDirectory, write } from '../../support/files.ts';

describe('setting', () => {
  const of = (args: readonly string[], env: Record<string, string> = {}) => setting('some-name', { args, env });

  it.each([
    [['--some-name', 'a'], 'a'],
    [['--some-name=a'], 'a'],
    [['-some-name', 'a'], 'a'],
    [['-some-name=a=b'], 'a=b'],
    [['--some-name=a', '--some-name', 'b'], 'b'],
    [['--some-name='], ''],
    [['--some-names=a'], undefined],
    [['some-name', 'a'], undefined],
    [['--', '--some-name=a'], undefined],
    [[], undefined],
  ])('of %j is %j', (args, expected) => {
    expect(of(args)).toBe(expected);
  });

  it('is the flag before the variable, and an empty variable is none', () => {
    expect(of([], { SOME_NAME: 'v' })).toBe('v');
    expect(of(['--some-name=a'], { SOME_NAME: 'v' })).toBe('a');
    expect(of(['--some-name='], { SOME_NAME: 'v' })).toBe('');
    expect(of([], { SOME_NAME: '' })).toBeUndefined();
  });

  it('refuses a flag without a value', () => {
    expect(failureOf(() => of(['--some-name']))).toMatchObject({ code: 'INVALID_CONFIG' });
  });
});

describe('findSeedConfig', () => {
  const dir = () => {
    const directory = temporaryDirectory();
    for (const name of ['etcd.conf', 'other.conf']) write(join(directory, name), 'x');
    return directory;
  };

  it('looks for the flag, the variable, and the name of the backend', () => {
    const directory = dir();
    const other = join(directory, 'other.conf');
    const find = (args: readonly string[], env: Record<string, string> = {}) => findSeedConfig('etcd', { args, env });
    expect(find(['--etcd-config', other])).toBe(other);
    expect(find([], { ETCD_CONFIG: other })).toBe(other);
    expect(find(['--etcd-config=other.conf', '--config-dir', directory])).toBe(other);
    expect(find([], { CONFIG_DIR: directory })).toBe(join(directory, 'etcd.conf'));
    expect(find(['--config-dir', directory], { CONFIG_DIR: '/nowhere', ETCD_CONFIG: 'other.conf' })).toBe(other);
  });

  it('finds none where there is none, and where the flag turns it off', () => {
    const directory = dir();
    expect(findSeedConfig('redis', { args: ['--config-dir', directory], env: {} })).toBeUndefined();
    const off = { args: ['--etcd-config=', '--config-dir', directory], env: { ETCD_CONFIG: 'other.conf' } };
    expect(findSeedConfig('etcd', off)).toBeUndefined();
  });

  it('names a file that was asked for and is not there, to be complained about', () => {
    expect(findSeedConfig('etcd', { args: ['--etcd-config', '/nowhere/x.conf'], env: {} })).toBe('/nowhere/x.conf');
  });
});
