import { ackWithCallback, bufferDuringResync, type DatasyncEvent } from 'rx-datasync';
import { fromFiles } from 'rx-datasync/files';
import { filter, firstValueFrom, ReplaySubject, tap } from 'rxjs';
import { Checkout } from './checkout.ts';

interface Interface {
  readonly mtu: number;
}

const interfaces = (eth0: string, eth1: string): string => `data:
  - key: /interfaces/eth0
    value: { mtu: ${eth0} }
  - key: /interfaces/eth1
    value: { mtu: ${eth1} }
`;

const route = (via: string): string => `data:
  - key: /routes/default
    value: { via: ${via} }
`;

/** A git checkout is the desired state: a file that a bad commit breaks keeps its last good entries, and the next good one heals. */
export async function run(print: (line: string) => void): Promise<void> {
  const checkout = await Checkout.create({
    'interfaces.yaml': interfaces('1500', '1500'),
    'routes.yaml': route('10.0.0.1'),
  });
  const lines = new ReplaySubject<string>(100);
  /** Prints what came since the last time, up to what says that it has arrived. */
  let printed = 0;
  const told = async (what: string): Promise<void> => {
    let seen = 0;
    const news = lines.pipe(filter(() => seen++ >= printed));
    const shown = news.pipe(
      tap((line) => {
        print(line);
        printed++;
      }),
    );
    await firstValueFrom(shown.pipe(filter((line) => line.startsWith(what))), { defaultValue: '' });
  };

  const apply = (event: DatasyncEvent<unknown>): void => {
    for (const line of linesOf(event)) lines.next(line);
  };
  let trouble: unknown;
  const subscription = fromFiles<Interface>({
    paths: [checkout.directory],
    prefixes: ['/interfaces/', '/routes/'],
    statusObserver: {
      next: ({ stale }) => {
        if (stale?.cause === trouble) return;
        trouble = stale?.cause;
        lines.next(trouble === undefined ? 'status: all is well' : `status: ${reasonOf(trouble, checkout)}`);
      },
    },
  })
    .pipe(bufferDuringResync(), ackWithCallback({ resync: apply, change: apply }))
    .subscribe();

  await told('resync');

  const deploy = async (message: string, files: Readonly<Record<string, string>>): Promise<void> => {
    print(`--- ${message}`);
    await checkout.commit(message, files);
    await checkout.pull();
  };
  await deploy('jumbo frames', { 'interfaces.yaml': interfaces('9000', '9000') });
  await told('change');

  // One file is broken; the other one of the same commit is applied all the same.
  await deploy('another gateway, and a bracket too many', {
    'interfaces.yaml': interfaces('[9000', '1500'),
    'routes.yaml': route('10.0.0.254'),
  });
  await told('change');

  await deploy('the bracket goes', { 'interfaces.yaml': interfaces('9000', '1500') });
  await told('status: all is well');

  subscription.unsubscribe();
  await checkout.remove();
}

function linesOf(event: DatasyncEvent<unknown>): string[] {
  if (event.type === 'resync')
    return [
      `resync: ${event.entries
        .sorted()
        .map(({ key, value }) => `${key} ${JSON.stringify(value)}`)
        .join(', ')}`,
    ];
  const changes = event.changes.map((change) =>
    change.op === 'put' ? `${change.key} ${JSON.stringify(change.value)}` : `${change.key} is gone`,
  );
  const rejected = event.rejected.map(({ key, lastGood }) => `${key} stays ${JSON.stringify(lastGood)}`);
  return [`change: ${[...changes.sort(), ...rejected.sort()].join(', ')}`];
}

function reasonOf(trouble: unknown, { directory }: Checkout): string {
  return (trouble as Error).message.replace(/^\[.*?\] /, '').replace(`${directory}/`, '');
}
