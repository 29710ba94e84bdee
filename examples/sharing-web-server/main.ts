import { run } from './sharingWebServer.ts';

await run((line) => console.log(line));
