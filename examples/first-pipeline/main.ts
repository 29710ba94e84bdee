import { run } from './firstPipeline.ts';

await run((line) => console.log(line));
