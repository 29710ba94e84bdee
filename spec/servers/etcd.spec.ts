import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { entryOf } from './catalogue.ts';
import { type EtcdOptions, newerLine, startEtcd } from './etcd.ts';
import { needServer } from './need.ts';

async function etcd(options?: EtcdOptions) {
  const server = await startEtcd(options);
  onTestFinished(() => server.stop());
  return server;
}

describe.runIf(needServer('etcd-3.4'))('an etcd of its own', () => {
  it('answers, keeps its data over a crash, and loses it by a wipe', async () => {
    const server = await etcd();
    expect(server.version).toBe('3.4.23');
    const [member] = server.members;
    await server.ctl('put', 'a', '1');
    await member!.kill();
    await member!.start();
    expect(await server.ctl('get', 'a', '--print-value-only')).toBe('1');
    await member!.wipe();
    await member!.start();
    expect(await server.ctl('get', 'a')).toBe('');
  });

  it('is restored from a backup', async () => {
    const server = await etcd();
    await server.ctl('put', 'a', '1');
    const backup = await server.backup();
    await server.ctl('put', 'a', '2');
    await server.restore(backup);
    expect(await server.ctl('get', 'a', '--print-value-only')).toBe('1');
  });

  it('says nothing while it is paused, and all of it later', async () => {
    const server = await etcd();
    server.members[0]!.pause();
    let done = false;
    const put = server.ctl('put', 'a', '1').then(() => {
      done = true;
    });
    await sleep(200);
    expect(done).toBe(false);
    server.members[0]!.resume();
    await put;
  });

  it('fails at once with its last words when it cannot start', async () => {
    await expect(startEtcd({ args: ['--no-such-flag'] })).rejects.toThrow(/etcd n0 exited with \d+:.*no-such-flag/s);
  });

  it('of three members goes on without its leader', async () => {
    const server = await etcd({ members: 3 });
    await server.ctl('put', 'a', '1');
    const leader = await server.leader();
    await leader.kill();
    const rest = server.members.filter((member) => member !== leader).map(({ endpoint }) => endpoint);
    expect(await server.ctlTo(rest, ['get', 'a', '--print-value-only'])).toBe('1');
    await leader.start();
  });

  it('with TLS wants a certificate of its authority', async () => {
    const server = await etcd({ tls: true });
    await server.ctl('put', 'a', '1');
    expect(await server.ctl('get', 'a', '--print-value-only')).toBe('1');
    const { ca, stranger } = server.certificates!;
    const wrong = ['--cacert', ca, '--cert', stranger.cert, '--key', stranger.key];
    await expect(server.ctl(...wrong, '--command-timeout', '1s', 'get', 'a')).rejects.toThrow();
  });

  it.each(['simple', 'jwt'] as const)('with authentication (%s) keeps a user to its prefix', async (auth) => {
    const server = await etcd({ auth });
    const user = ['--user', 'user:user'];
    await server.ctl(...user, 'put', 'app/a', '1');
    await expect(server.ctl(...user, 'put', 'other/a', '1')).rejects.toThrow('permission denied');
  });
});

describe.runIf(needServer(newerLine))('the newer line', () => {
  it('runs beside it', async () => {
    const server = await etcd({ server: newerLine });
    expect(server.version).toBe(entryOf(newerLine).version);
    await server.ctl('put', 'a', '1');
    expect(await server.ctl('get', 'a', '--print-value-only')).toBe('1');
  });
});
