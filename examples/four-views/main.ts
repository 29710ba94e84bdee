/**
 * One tree in etcd, Redis, Consul and files, as each of them shows it; see README.md beside it.
 *
 *     npx tsx examples/four-views/main.ts                 until Ctrl-C
 *     npx tsx examples/four-views/main.ts --pause 5000    milliseconds between two steps
 *     npx tsx examples/four-views/main.ts --by-hand       a step with each Enter
 */
import { parseArgs } from 'node:util';
import { auditTime, fromEvent, identity, lastValueFrom, merge, takeUntil, tap, timer } from 'rxjs';
import { fourViews } from './fourViews.ts';
import { paper, terminal } from './screen.ts';
import { makeStores } from './stores.ts';

const options = { pause: { type: 'string', default: '2000' }, 'by-hand': { type: 'boolean' } } as const;
// The flags that name configurations are for `findConfig`.
const { values } = parseArgs({ options, strict: false });
const { stdin, stdout } = process;
const goOn = values['by-hand'] === true ? fromEvent(stdin, 'data') : timer(Number(values['pause']));
const stopped = merge(fromEvent(process, 'SIGINT'), fromEvent(process, 'SIGTERM'));

try {
  const stores = await makeStores();
  const pictures = fourViews(stores, goOn).pipe(
    stdout.isTTY ? auditTime(40) : identity,
    tap(stdout.isTTY ? terminal(stdout) : paper(stdout)),
    takeUntil(stopped),
  );
  await lastValueFrom(pictures, { defaultValue: undefined });
  stdin.destroy();
  for (const store of stores) await store[Symbol.asyncDispose]();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
