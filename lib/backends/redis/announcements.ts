import { DatasyncError } from '../../model/errors.ts';
import { FatalError } from '../../source/frames.ts';
import { databaseOf } from './client.ts';
import { isForbidden, isUnknown } from './failures.ts';
import { globOf, keyBytes, keyText } from './keys.ts';
import type { Link } from './link.ts';
import { replacements } from './replacements.ts';
import type { ResolvedRedisOptions } from './sourceOptions.ts';

/** What a store that is watched says, but for `armed`. */
export type Announcement = 'replaced' | { readonly touched: readonly string[] };

/** What one link listens to. */
export interface Watching {
  readonly link: Link;
  readonly prefixes: readonly string[];
  readonly options: ResolvedRedisOptions;
  readonly say: (announcement: Announcement) => void;
}

/** To be asked now and then: whether all that it was armed with still stands; it says itself what came to light. */
export type Probe = () => Promise<void>;

/** Arms one link: when it resolves, the server has confirmed that everything from now on will be announced. */
export async function arm(watching: Watching): Promise<Probe> {
  const { mode } = watching.options;
  if (mode === 'keyspace') return armKeyspace(watching);
  try {
    return await armTracking(watching);
  } catch (error) {
    const isImpossible = isUnknown(error) || isForbidden(error);
    if (mode === 'auto' && isImpossible) return armKeyspace(watching);
    if (!isUnknown(error)) throw error;
    const message = `this server cannot track keys (CLIENT TRACKING, Redis 6 and later): set mode to 'keyspace' or 'auto'`;
    throw new FatalError(message, {
      cause: new DatasyncError('UNSUPPORTED', message, { cause: error, backend: 'redis' }),
    });
  }
}

/** Invalidation messages, redirected to the connection that they arrive at: one connection less that could die unnoticed. */
async function armTracking({ link, prefixes, options, say }: Watching): Promise<Probe> {
  const { hearing } = link;
  const probe = await replacements(link, ['swapdb'], say);
  hearing.on('messageBuffer', (_channel, keys) => {
    if (keys === null) say('replaced');
    // Else somebody has published it, who is not the server.
    else if (Array.isArray(keys))
      say({ touched: (keys as readonly Buffer[]).map((key) => keyText(key, options.keyEncoding)) });
  });
  const id = String(await hearing.call('CLIENT', ...(['ID'] as never[])));
  const under = prefixes.includes('')
    ? []
    : prefixes.flatMap((prefix) => ['PREFIX', keyBytes(prefix, options.keyEncoding)]);
  await hearing.call('CLIENT', ...(['TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...under] as never[]));
  await hearing.call('subscribe', ...(['__redis__:invalidate'] as never[]));
  return probe;
}

/** Keyspace notifications. They are silent about what empties or replaces the data, which the server counts. */
async function armKeyspace({ link, prefixes, options, say }: Watching): Promise<Probe> {
  const { hearing } = link;
  const configured = await notifying(link, options);
  // Switched off and on again between two looks, the settings look as before.
  const silencing = ['swapdb', 'flushall', 'flushdb', ...(options.keyspaceEvents === 'trust' ? [] : ['config\\|set'])];
  const replaced = await replacements(link, silencing, say, refuseReplica);
  const channel = `__keyspace@${databaseOf(hearing)}__:`;
  hearing.on('pmessageBuffer', (_pattern, where) => {
    say({ touched: [keyText((where as Buffer).subarray(channel.length), options.keyEncoding)] });
  });
  const patterns = prefixes.map((prefix) =>
    Buffer.concat([Buffer.from(channel), globOf(keyBytes(prefix, options.keyEncoding))]),
  );
  await hearing.call('psubscribe', ...(patterns as never[]));
  return async () => {
    await configured();
    await replaced();
  };
}

/** A replica that receives everything anew empties its data and fills it again, and announces nothing of it. */
function refuseReplica(replication: string): void {
  if (!/^role:slave/m.test(replication)) return;
  const message = `this node is a replica, which may replace its data without announcing it: watch the master, or use mode 'tracking'`;
  throw new DatasyncError('UNSUPPORTED', message, { backend: 'redis' });
}

const needed = ['g', '$', 'x', 'e'];
const others = ['h', 'l', 's', 'z', 't', 'd'];

/** Whether a server's `notify-keyspace-events` names all that is needed. */
export function announcesKeys(flags: string): boolean {
  return flags.includes('K') && (flags.includes('A') || [...needed, ...others].every((flag) => flags.includes(flag)));
}

/** Looks whether the server announces keys at all, at once and at every probe: `CONFIG SET` is forgotten by a restart. */
async function notifying({ reading }: Link, { keyspaceEvents }: ResolvedRedisOptions): Promise<Probe> {
  if (keyspaceEvents === 'trust') return () => Promise.resolve();
  const name = 'notify-keyspace-events';
  const look = async (): Promise<string> => {
    const reply = (await reading.call('CONFIG', ...(['GET', name] as never[]))) as readonly string[];
    return reply[1] ?? '';
  };
  /** What it is set to, which will do. */
  const check = async (): Promise<string> => {
    const flags = await look();
    if (announcesKeys(flags)) return flags;
    if (keyspaceEvents === 'set') {
      // What others need stays.
      await reading.call('CONFIG', ...(['SET', name, `${flags.replace(/[KA]/g, '')}KA`] as never[]));
      const now = await look();
      if (announcesKeys(now)) return now;
    }
    const found = flags === '' ? 'nothing' : `only '${flags}'`;
    const message = `the server announces ${found}: set '${name} KA' in its configuration, or keyspaceEvents: 'set' to let the source set it`;
    const error = new DatasyncError('INVALID_CONFIG', message, { backend: 'redis' });
    throw new FatalError(error.message, { cause: error });
  };
  let before: string;
  try {
    before = await check();
  } catch (error) {
    if (!isUnknown(error) && !isForbidden(error)) throw error;
    const message = `the server does not let us see '${name}': set it to KA, and keyspaceEvents to 'trust'`;
    throw new DatasyncError('ACCESS_DENIED', message, { cause: error, backend: 'redis' });
  }
  return async () => {
    if ((await look()) === before) return;
    // Something may have happened before it was looked at.
    throw new DatasyncError('CONNECTION_LOST', `the server's '${name}' was changed`, { backend: 'redis' });
  };
}
