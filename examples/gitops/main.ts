import { run } from './gitops.ts';

await run((line) => console.log(line));
