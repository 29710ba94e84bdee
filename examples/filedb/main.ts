/**
 * A small agent whose data store is the file system, as cn-infra's FileDB; see README.md beside it.
 *
 *     npx tsx examples/filedb/main.ts                                 on samples that are edited meanwhile; ends by itself
 *     npx tsx examples/filedb/main.ts --filedb-config filedb.conf     on files of your own, until Ctrl-C
 */
import { findConfig, serviceLabel } from 'rx-datasync/config';
import { filedbConfig } from 'rx-datasync/files';
import { lastValueFrom, tap } from 'rxjs';
import { agent } from './agent.ts';
import { printResult, run, troublesTo } from './filedb.ts';

const file = findConfig('filedb');

if (file === undefined) await run(console.log);
else {
  const { prefix } = serviceLabel();
  const config = await filedbConfig(file);
  console.log(`reading ${config.paths.join(', ')} for ${prefix}`);
  await lastValueFrom(
    agent(config, prefix, troublesTo(console.log)).pipe(tap((result) => printResult(result, console.log))),
    { defaultValue: undefined },
  );
}
