import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkedSum, unpack } from './apt.ts';
import { checksums } from './catalogue.ts';
import { keep } from './fetch.ts';
import { findInCache, folderOf } from './find.ts';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'rx-datasync-cache-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A folder as a fetch makes it, with a server that says its version. */
function made(parent: string, name: string, says = 'etcd Version: 3.4.23'): string {
  const folder = join(parent, name);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  for (const program of ['etcd', 'etcdctl']) {
    writeFileSync(join(folder, 'bin', program), `#!/bin/sh\necho '${says}'\n`);
    chmodSync(join(folder, 'bin', program), 0o755);
  }
  return folder;
}

const stamp = { version: '3.4.23', packages: {} };

describe('the cache of servers', () => {
  it('has what was kept in it', async () => {
    const cache = directory();
    expect(await findInCache('etcd-3.4', cache)).toBeUndefined();
    await keep('etcd-3.4', made(cache, 'work'), stamp, cache);
    const bin = join(folderOf('etcd-3.4', cache), 'bin');
    expect(await findInCache('etcd-3.4', cache)).toEqual({
      version: '3.4.23',
      programs: { etcd: join(bin, 'etcd'), etcdctl: join(bin, 'etcdctl') },
      env: {},
    });
  });

  it('has nothing without its stamp, of another version, or that does not start', async () => {
    const cache = directory();
    const folder = made(cache, 'etcd-3.4.23');
    expect(folder).toBe(folderOf('etcd-3.4', cache));
    expect(await findInCache('etcd-3.4', cache)).toBeUndefined();
    writeFileSync(join(folder, 'stamp.json'), JSON.stringify({ ...stamp, version: '3.4.22' }));
    expect(await findInCache('etcd-3.4', cache)).toBeUndefined();
    writeFileSync(join(folder, 'stamp.json'), JSON.stringify(stamp));
    expect(await findInCache('etcd-3.4', cache)).toBeDefined();
    made(cache, 'etcd-3.4.23', 'etcd Version: 3.5.0');
    expect(await findInCache('etcd-3.4', cache)).toBeUndefined();
    writeFileSync(join(folder, 'bin/etcd'), '#!/bin/sh\nexit 1\n');
    expect(await findInCache('etcd-3.4', cache)).toBeUndefined();
  });

  it('has nothing that lacks a program', async () => {
    const cache = directory();
    const folder = made(cache, 'etcd-3.4.23');
    writeFileSync(join(folder, 'stamp.json'), JSON.stringify(stamp));
    rmSync(join(folder, 'bin/etcdctl'));
    expect(await findInCache('etcd-3.4', cache)).toBeUndefined();
  });

  it('takes one of several who race, and what was broken there is replaced', async () => {
    const cache = directory();
    made(cache, 'etcd-3.4.23', 'broken');
    const all = Array.from({ length: 8 }, (_, i) => keep('etcd-3.4', made(cache, `.work-${i}`), stamp, cache));
    await Promise.all(all);
    expect(await findInCache('etcd-3.4', cache)).toBeDefined();
  });

  it('is not given what does not start', async () => {
    const cache = directory();
    const broken = keep('etcd-3.4', made(cache, 'work', 'no version'), stamp, cache);
    await expect(broken).rejects.toThrow('does not start');
  });
});

describe('packages', () => {
  it('that are known by name must be the ones that are known', async () => {
    const folder = directory();
    const [name] = Object.keys(checksums);
    writeFileSync(join(folder, name!), 'something else');
    expect(() => checkedSum(join(folder, name!), name!)).toThrow(`${name} has the SHA-256`);
    await expect(unpack(folder, join(folder, 'root'))).rejects.toThrow(checksums[name!]);
    expect(existsSync(join(folder, 'root'))).toBe(false);
    expect(readdirSync(folder)).toEqual([name]);
  });
});
