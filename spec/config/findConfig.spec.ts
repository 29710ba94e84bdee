import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findConfig } from '../../lib/config/findConfig.ts';
import { temporaryDirectory, write } from '../support/files.ts';

describe('findConfig', () => {
  const dir = () => {
    const directory = temporaryDirectory();
    for (const name of ['etcd.conf', 'other.conf']) write(join(directory, name), 'x');
    return directory;
  };

  it('looks for the flag, the variable, and the name of the backend', () => {
    const directory = dir();
    const other = join(directory, 'other.conf');
    const find = (args: readonly string[], env: Record<string, string> = {}) => findConfig('etcd', { args, env });
    expect(find(['--etcd-config', other])).toBe(other);
    expect(find([], { ETCD_CONFIG: other })).toBe(other);
    expect(find(['--etcd-config=other.conf', '--config-dir', directory])).toBe(other);
    expect(find([], { CONFIG_DIR: directory })).toBe(join(directory, 'etcd.conf'));
    expect(find(['--config-dir', directory], { CONFIG_DIR: '/nowhere', ETCD_CONFIG: 'other.conf' })).toBe(other);
  });

  it('finds none where there is none, and where the flag turns it off', () => {
    const directory = dir();
    expect(findConfig('redis', { args: ['--config-dir', directory], env: {} })).toBeUndefined();
    const off = { args: ['--etcd-config=', '--config-dir', directory], env: { ETCD_CONFIG: 'other.conf' } };
    expect(findConfig('etcd', off)).toBeUndefined();
  });

  it('names a file that was asked for and is not there, to be complained about', () => {
    expect(findConfig('etcd', { args: ['--etcd-config', '/nowhere/x.conf'], env: {} })).toBe('/nowhere/x.conf');
  });
});
