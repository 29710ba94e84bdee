import { entryOf, serverNames } from './catalogue.ts';
import { buildByGo } from './fetch.ts';
import { cacheDirectory, find } from './find.ts';
import { haveServers } from './have.ts';

/** `npm run servers`: fetches what can be fetched; `-- --all` the second line too; `-- --go` also builds what must be built. */
const wanted = process.argv.slice(2);
if (wanted.some((argument) => argument !== '--go' && argument !== '--all')) {
  console.error('usage: npm run servers [-- --all] [--go]');
  process.exit(2);
}
if (wanted.includes('--go')) {
  for (const name of serverNames.filter((each) => entryOf(each).go !== undefined)) {
    if ((await find(name)) !== undefined) continue;
    console.log(`${name}: building, this takes minutes`);
    await buildByGo([name]);
  }
}
const isAll = wanted.includes('--all');
const have = await haveServers(() => isAll);
console.log(`servers in ${cacheDirectory()}, or on PATH:`);
for (const name of serverNames) {
  const one = have[name];
  console.log(`  ${name.padEnd(12)} ${'found' in one ? one.found.version : `none: ${one.missing}`}`);
  const { debs, isSecondLine = false } = entryOf(name);
  if ('missing' in one && debs !== undefined && (isAll || !isSecondLine)) process.exitCode = 1;
}
