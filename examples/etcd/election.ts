/**
 * Stands for election, and says how it goes and who else is there, until Ctrl-C.
 *
 *     npx tsx examples/etcd/election.ts NAME
 */
import { textCodec, toState } from 'rx-datasync';
import { lastValueFrom, merge, takeUntil, tap } from 'rxjs';
import { stopped, withEtcd } from './withEtcd.ts';

const [name] = process.argv.slice(2);
const prefix = '/election/';
const candidates = `${prefix}candidates/`;

await withEtcd(async (etcd) => {
  if (name === undefined) throw new Error('usage: election.ts NAME');
  const broker = etcd.broker({ prefix, codec: textCodec });
  // Gone with this program, however it ends.
  await broker.under('candidates/').put(name, 'stands', { lifetime: 'client' });

  const others = etcd.source({ prefixes: [candidates], codec: textCodec }).pipe(
    toState(),
    tap((state) =>
      console.log(
        `candidates: ${[...state.keys()]
          .map((key) => key.slice(candidates.length))
          .sort()
          .join(', ')}`,
      ),
    ),
  );
  const leadership = broker
    .campaign('leader', name)
    .pipe(tap((now) => console.log(now.leads ? `${name} leads` : `${name} leads no more: ${now.cause.message}`)));
  await lastValueFrom(merge(others, leadership).pipe(takeUntil(stopped)), { defaultValue: undefined });
});
