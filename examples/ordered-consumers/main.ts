import { run } from './orderedConsumers.ts';

await run((line) => console.log(line));
