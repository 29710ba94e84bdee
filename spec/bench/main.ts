// `npm run bench`, with `-- --quick` for smaller sizes and `-- --only NAME` for one part. Prints figures next to those of
// a peer that does the same in the same run, interleaved; medians. Judge the ratios: the rest is the machine.
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { consul } from './consul.ts';
import { etcd } from './etcd.ts';
import { files } from './files.ts';
import { pipeline } from './pipeline.ts';
import { redis } from './redis.ts';
import { memory, resync } from './resync.ts';
import { type Figure, table } from './table.ts';
import { state } from './toState.ts';

const parts: Readonly<Record<string, { title: string; run: (quick: boolean) => Promise<Figure[]> }>> = {
  pipeline: { title: 'Changes through the operators, 100 B values, a handler that returns at once', run: pipeline },
  toState: { title: 'The whole view after each change', run: state },
  memory: { title: 'Memory held, 100 B values (heap and buffers, after a collection)', run: memory },
  files: {
    title: 'Files: until everything is told, and until a change is (100 ms of it is waiting for more)',
    run: files,
  },
  consul: { title: 'Consul, 100 B values: until it is told, beside the watch of the client', run: consul },
  etcd: { title: 'A real etcd 3.4, 100 B values; ours with shadow, decoding and previous values', run: etcd },
  redis: { title: 'A real Redis 7.0, 100 B values; ours with shadow, decoding and previous values', run: redis },
  resync: { title: 'A listing of 100 B values in pages of 2,000, each in its own turn of the event loop', run: resync },
};

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } });
if (globalThis.gc === undefined) throw new Error('run it by `npm run bench`: it needs node --expose-gc');
if (values.only !== undefined && !(values.only in parts))
  throw new Error(`--only takes one of ${Object.keys(parts).join(', ')}`);

console.log(`Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]!.toFixed(1)}`);
for (const [name, { title, run }] of Object.entries(parts)) {
  if (values.only !== undefined && values.only !== name) continue;
  console.log(`\n${table(title, await run(values.quick))}`);
}
