import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { needServer } from '../servers/need.ts';
import { startRedis } from '../servers/redis.ts';
import { eventually, masterName, type RedisReplicas, startReplicas } from '../servers/redisReplicas.ts';
import { Program } from '../support/program.ts';

/** What the log says of flights, in its order; and whatever it says that is none of both. */
function logOf({ printed }: Program) {
  const of = (word: string) =>
    [...printed.matchAll(new RegExp(`^(\\w+) .* has ${word}.*$`, 'gm'))].map(([, name]) => name!);
  return {
    landed: of('landed'),
    departed: of('departed'),
    lost: printed.match(/^! .* is .*: Redis has lost.*$/gm) ?? [],
  };
}

/** The runways on which the log has a flight land, and depart. */
function runwaysOf({ printed }: Program, flight: string): readonly string[] {
  return [...printed.matchAll(new RegExp(`^${flight} .* runway (\\d)$`, 'gm'))].map(([, runway]) => runway!);
}

/** Each flight has landed once, and has departed once, after that. */
function expectComplete(log: Program, flights: readonly string[]): void {
  const { landed, departed, lost } = logOf(log);
  expect(lost).toEqual([]);
  expect([...landed].sort()).toEqual([...flights].sort());
  expect([...departed].sort()).toEqual([...flights].sort());
  for (const name of flights)
    expect(log.printed.indexOf(`${name} from`)).toBeLessThan(log.printed.indexOf(`${name} to`));
}

describe.runIf(needServer('redis-7'))('examples/airport', { timeout: 180_000 }, () => {
  it('on a node, in one program: each flight lands and departs, and the log ends with the totals', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const at = { REDIS_ENDPOINT: `127.0.0.1:${redis.port}` };
    const whole = new Program('airport/main.ts', ['--flights', '10', '--every', '50', '--pace', '50'], at);
    expect(await whole.end()).toBe(0);
    expect(whole.printed).toMatch(/^= the log begins; flights here: 0\n/);
    expect(whole.printed).toMatch(/\n10 flights have landed, 10 have departed\n$/);
    expectComplete(whole, ['LX100', 'OK101', 'SK102', 'TP103', 'LO104', 'LX105', 'OK106', 'SK107', 'TP108', 'LO109']);
  });

  it('a runway that is killed with a flight on it closes, and the flight lands on the other one', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const at = { REDIS_ENDPOINT: `127.0.0.1:${redis.port}` };
    const part = (...args: string[]) => new Program('airport/main.ts', args, at);
    const log = part('log');
    await log.says('= the log begins');
    const board = part('board');
    // It never ends a landing.
    const slow = part('runway', '1', '--pace', '100000');
    part('tower');
    await board.says('runway 1  ────────────────  free');
    part('radar', '--flights', '1');
    await board.says('LX100 lands, from Genoa');
    part('runway', '2', '--pace', '50');
    await board.says('runway 2  ────────────────  free');
    await slow.end('SIGKILL');
    await log.says('LX100 from Genoa has landed on runway 2');
    part('hangar', '--pace', '50');
    await log.says('LX100 to Vilnius has departed from runway 2');
    expectComplete(log, ['LX100']);
  });

  it('with Sentinels, and one node after another that stands still: no flight is lost, none comes twice', async () => {
    const replicas = await startReplicas();
    onTestFinished(() => replicas.stop());
    // Otherwise a master that was replaced while it stood still takes writes that nobody will ever read.
    for (const node of replicas.nodes) await node.cli('CONFIG', 'SET', 'min-replicas-to-write', '1');
    const conf = confOf(replicas);
    const part = (...args: string[]) => new Program('airport/main.ts', [...args, '--redis-config', conf], {});
    const log = part('log');
    await log.says('= the log begins; flights here: 0\n');
    // A flight takes a runway twice for so long, and one comes every 300 ms: a single runway does not do for them.
    const others = [part('tower'), part('runway', '1', '--pace', '200'), part('runway', '2', '--pace', '200')];
    others.push(part('hangar', '--pace', '100'));
    const radar = part('radar', '--flights', '100000', '--every', '300');
    const seen = () => [...radar.printed.matchAll(/^(\w+) is in sight$/gm)].map(([, name]) => name!);

    /** Flights that come into sight from now on pass through both runways: everybody has found the master. */
    const works = async (): Promise<void> => {
      const before = new Set(seen());
      const isDone = () => {
        const done = logOf(log).departed.filter((name) => !before.has(name));
        // One may do all the landings, and the other all the departures.
        const runways = new Set(done.flatMap((name) => runwaysOf(log, name)));
        return done.length >= 3 && runways.has('1') && runways.has('2');
      };
      await expect.poll(isDone, { timeout: 60_000, interval: 50 }).toBe(true);
    };

    await works();
    const stood = new Set<number>();
    for (let round = 0; round < 3; round++) {
      // The one that has not stood still yet is a replica in the last round, or the master again.
      const master = await replicas.master();
      const node = round < 2 ? master : (replicas.nodes.find(({ port }) => !stood.has(port)) ?? master);
      stood.add(node.port);
      node.pause();
      if (node === master) await replicas.replaced(node);
      await works();
      node.resume();
      await inStep(replicas);
    }
    expect(await radar.end('SIGINT')).toBe(0);
    const flights = seen();
    await expect.poll(() => logOf(log).departed.length, { timeout: 60_000, interval: 50 }).toBe(flights.length);
    expectComplete(log, flights);
    expect(log.printed).toContain('= everything was read again (reconnected)');
    for (const each of [log, ...others]) expect(await each.end('SIGTERM')).toBe(0);
  });
});

function confOf({ sentinelPorts }: RedisReplicas): string {
  const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-conf-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'redis.conf');
  const endpoints = sentinelPorts.map((port) => `127.0.0.1:${port}`).join(', ');
  writeFileSync(file, `endpoints: [${endpoints}]\nmaster-name: ${masterName}\nread-timeout: 1s\nwrite-timeout: 1s\n`);
  return file;
}

/** Waits until the master has both replicas again. */
async function inStep(replicas: RedisReplicas): Promise<void> {
  await eventually('the replica set', async () => {
    const state = await (await replicas.master()).cli('INFO', 'replication');
    return state.includes('role:master') && state.match(/state=online/g)?.length === 2;
  });
}
