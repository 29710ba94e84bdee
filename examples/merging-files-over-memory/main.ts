import { run } from './mergingFilesOverMemory.ts';

await run((line) => console.log(line));
