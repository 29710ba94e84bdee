import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** How programs save a file. */
export const styles: Readonly<Record<string, (file: string, text: string) => void>> = {
  'in place': (file, text) => writeFileSync(file, text),
  'in place, in pieces': (file, text) => {
    const handle = openSync(file, 'w');
    for (const line of text.split(/(?<=\n)/)) writeSync(handle, line);
    closeSync(handle);
  },
  'rename over it (most tools)': (file, text) => {
    writeFileSync(`${file}.tmp`, text);
    renameSync(`${file}.tmp`, file);
  },
  'a hidden temporary file beside it': (file, text) => {
    const temporary = join(file, `../.${Date.now()}.yaml`);
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  },
  'backup file, then a new one (vim)': (file, text) => {
    writeFileSync(join(file, '../4913'), '');
    rmSync(join(file, '../4913'));
    renameSync(file, `${file}~`);
    writeFileSync(file, text);
    rmSync(`${file}~`);
  },
  'copy to a backup, then in place': (file, text) => {
    copyFileSync(file, `${file}.bak`);
    writeFileSync(file, text);
  },
  'swap through two renames (JetBrains)': (file, text) => {
    writeFileSync(`${file}___jb_tmp___`, text);
    renameSync(file, `${file}___jb_old___`);
    renameSync(`${file}___jb_tmp___`, file);
    rmSync(`${file}___jb_old___`);
  },
  'remove, then make': (file, text) => {
    rmSync(file);
    writeFileSync(file, text);
  },
  'empty it, then fill it': (file, text) => {
    writeFileSync(file, '');
    appendFileSync(file, text);
  },
  'keep the time of before': (file, text) => {
    writeFileSync(file, text);
    utimesSync(file, 1_000_000, 1_000_000);
  },
};
