// `npm run marbles`: draws every diagram of marbles/, and the gallery.
import { rmSync, writeFileSync } from 'node:fs';
import { generated, marblesFile, marblesFiles } from './files.ts';

const files = generated();
for (const name of marblesFiles('.svg')) if (!files.has(name)) rmSync(marblesFile(name));
for (const [name, text] of files) writeFileSync(marblesFile(name), text);
console.log(`${files.size} files written to marbles/: ${[...files.keys()].join(', ')}`);
