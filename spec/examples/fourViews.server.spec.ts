import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConsulAgent } from '../servers/consul.ts';
import { consulLine } from '../servers/consul.ts';
import type { Etcd } from '../servers/etcd.ts';
import { needServer } from '../servers/need.ts';
import { type Redis, startRedis } from '../servers/redis.ts';
import { ownConsul } from '../support/consul.ts';
import { ownEtcd } from '../support/etcd.ts';
import { read } from '../support/imports.ts';
import { Program } from '../support/program.ts';

const found = [needServer('etcd-3.4'), needServer('redis-7'), needServer(consulLine)].every(Boolean);
const prefix = 'rx-datasync/four-views/';

interface World {
  readonly etcd: Etcd;
  readonly redis: Redis;
  readonly consul: ConsulAgent;
  readonly program: Program;
}

async function world(): Promise<World> {
  const [etcd, redis, { agent }] = await Promise.all([ownEtcd(), startRedis({ persist: true }), ownConsul()]);
  onTestFinished(() => redis.stop());
  const program = new Program('four-views/main.ts', ['--by-hand'], {
    ETCD_ENDPOINTS: etcd.endpoints.join(','),
    REDIS_ENDPOINT: `127.0.0.1:${redis.port}`,
    CONSUL_HTTP_ADDR: `127.0.0.1:${agent.port}`,
  });
  return { etcd, redis, consul: agent, program };
}

/** What is shown after something was done, which was not shown before. */
async function next({ program }: World, title: RegExp, last: string, act?: () => unknown): Promise<string> {
  const { length } = act === undefined ? '' : program.printed;
  await act?.();
  const picture = new RegExp(`^step \\d+: ${title.source}\\n(?:  .*\\n)+?  ${last}\\n`, 'm');
  await expect.poll(() => program.printed.slice(length), { timeout: 50_000, interval: 20 }).toMatch(picture);
  return picture.exec(program.printed.slice(length))![0];
}

const steps = (world: World, title: RegExp, last: string) => next(world, title, last, () => world.program.enters(''));

/** The rows of a picture that begin with a name of a place: what the four show. */
const placesOf = (picture: string) => picture.split('\n').filter((line) => /^ {2}[a-z]{3} {5}/.test(line));
const countsOf = (picture: string, name: string) =>
  new RegExp(`^ +${name} +(.*)$`, 'm').exec(picture)![1]!.split(/ {2,}/);
const shown = (nth: number) => [...read('examples/four-views/README.md').matchAll(/^```\n(.*?)```/gms)][nth]![1]!;
const equal = '= the four views are equal';

/** What the servers themselves say there is. */
async function truths({ etcd, redis, consul }: World): Promise<readonly (readonly string[])[]> {
  const keys = await redis.cli('KEYS', `${prefix}*`);
  const inConsul = await consul.request('GET', `/v1/kv/${prefix}?keys`);
  const inEtcd = await etcd.ctl('get', prefix, '--prefix', '--keys-only');
  return [
    inEtcd.split('\n'),
    keys.split('\n'),
    inConsul.status === 404 ? [] : (JSON.parse(inConsul.body) as string[]),
  ].map((names) =>
    names
      .filter((name) => name !== '')
      .map((name) => name.slice(prefix.length))
      .sort(),
  );
}

describe.runIf(found)('examples/four-views', () => {
  it('shows the four equal, whatever is killed meanwhile, as its page says, and leaves nothing behind', async () => {
    const all = await world();
    const { program, etcd, redis, consul } = all;
    await next(all, /nothing/, equal);
    await steps(all, /three keys at once/, equal);
    await steps(all, /one of them changes/, equal);
    await consul.kill();
    await program.says('! Consul is away: [rx-datasync/consul] ');
    const broken = await steps(all, /one goes, one comes, one changes/, '≠ not yet as written: Consul');
    expect(placesOf(broken)).toEqual(placesOf(shown(0)));
    expect(countsOf(broken, 'connection')).toEqual(['live', 'live', 'away', 'live']);
    const mended = await next(all, /one goes, one comes, one changes/, equal, () => consul.start());
    expect(placesOf(mended)).toEqual(placesOf(shown(1)));
    expect(countsOf(mended, 'resyncs')).toEqual(['1', '1', '2', '1']);
    expect(countsOf(mended, 'the last')).toEqual(['initial', 'initial', 'regressed', 'initial']);

    for (const [name, server] of [
      ['Redis', redis],
      ['etcd', etcd.members[0]!],
    ] as const) {
      await server.kill();
      await program.says(`! ${name} is away: `);
      await server.start();
      await program.says(`! ${name} is back`);
    }
    const last = await steps(all, /all change/, equal);
    // etcd goes on where it was.
    expect(countsOf(last, 'resyncs')).toEqual(['1', '2', '2', '1']);
    expect(countsOf(last, 'the last')).toEqual(['initial', 'reconnected', 'regressed', 'initial']);
    expect(await program.end('SIGINT')).toBe(0);
    expect(await truths(all)).toEqual([[], [], []]);
  });

  it('what it shows is what the servers hold, also where another run has left something', async () => {
    const all = await world();
    await all.consul.request('PUT', `/v1/kv/${prefix}old`, '"left"');
    await all.etcd.ctl('put', `${prefix}old`, '"left"');
    await next(all, /nothing/, equal);
    const first = await steps(all, /three keys at once/, equal);
    await all.redis.kill();
    await all.program.says('! Redis is away: ');
    await steps(all, /one of them changes/, '≠ not yet as written: Redis');
    await all.redis.start();
    await all.program.says('! Redis is back');
    expect(await truths(all)).toEqual([0, 1, 2].map(() => placesOf(first).map((line) => line.trim().split(' ')[0])));
  });

  it('what cannot be configured is said in one line', async () => {
    const program = new Program('four-views/main.ts', [], { CONSUL_HTTP_ADDR: 'http://a b' });
    expect([await program.end(), program.printed]).toEqual([
      1,
      expect.stringMatching(/^\[rx-datasync\] .*'address'.*\n$/),
    ]);
  });
});
