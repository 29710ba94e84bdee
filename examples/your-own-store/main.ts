import { run } from './yourOwnStore.ts';

await run((line) => console.log(line));
