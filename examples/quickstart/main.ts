/**
 * Watches a directory of YAML and JSON files, and prints what it is told.
 *
 *     npm run quickstart                     on samples that are edited meanwhile; ends by itself
 *     npm run quickstart -- --watch DIR      on files of your own, until Ctrl-C
 */
import { parseArgs } from 'node:util';
import { run, watch } from './quickstart.ts';

const { values } = parseArgs({ options: { watch: { type: 'string' } } });

if (values.watch === undefined) await run(console.log);
else watch(values.watch, [''], console.log).subscribe();
