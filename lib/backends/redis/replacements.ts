import type { Probe, Watching } from './announcements.ts';
import { isForbidden, isUnknown } from './failures.ts';
import type { Link } from './link.ts';

/** What a server says of itself. */
interface Look {
  /** How often each of the commands was called that replace data in silence, and whose data it is. */
  readonly marks: string;
  /** Counts that never go back, but where they are reset. */
  readonly counts: readonly number[];
}

/**
 * Says `replaced` when the server has counted a command that replaces its data in silence, or became another's replica. Where
 * `INFO` is not allowed, or not any more, it only asks whether the server is there.
 *
 * @param commands names as `INFO commandstats` writes them, as regular expressions
 * @param check looks at what `INFO replication` says
 */
export async function replacements(
  { reading, isAsked }: Link,
  commands: readonly string[],
  say: Watching['say'],
  check: (replication: string) => void = () => undefined,
): Promise<Probe> {
  // Of a reset, the count is always one: when it was shows in how long it took.
  const counted = new RegExp(
    `^cmdstat_(?:(?:${[...commands, ...following].join('|')}):calls=\\d+|config\\|resetstat:.*)`,
    'gm',
  );
  const info = async (section: string): Promise<string> =>
    String(await reading.call('INFO', ...([section] as never[])));
  const look = async (): Promise<Look | undefined> => {
    try {
      const [commandstats, stats, replication] = await Promise.all(['commandstats', 'stats', 'replication'].map(info));
      check(replication!);
      const marks = [...(commandstats!.match(counted) ?? []), ...(replication!.match(dataOf(replication!)) ?? [])];
      return {
        marks: marks.join(' '),
        counts: [
          countOf(commandstats!, /^cmdstat_info:calls=(\d+)/m),
          countOf(stats!, /^total_commands_processed:(\d+)/m),
        ],
      };
    } catch (error) {
      if (isForbidden(error) || isUnknown(error)) return undefined;
      throw error;
    }
  };
  let known = isAsked ? await look() : undefined;
  return async () => {
    if (known === undefined) {
      await reading.call('PING');
      return;
    }
    const before = known;
    known = await look();
    const isAsBefore =
      known !== undefined &&
      known.marks === before.marks &&
      // After `CONFIG RESETSTAT` they tell nothing of what was before it.
      known.counts.every((count, index) => count >= before.counts[index]!);
    // The last look that there is shows that all that came before has been seen.
    if (!isAsBefore) say('replaced');
  };
}

/** A master that follows another, and no one again, between two looks. */
const following: readonly string[] = ['replicaof', 'slaveof'];

/** The history of a master gets another name when its first replica comes, or its last is long gone; its data stays. */
function dataOf(replication: string): RegExp {
  return /^role:slave/m.test(replication) ? /^(role|master_replid):.*$/gm : /^role:.*$/gm;
}

function countOf(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
