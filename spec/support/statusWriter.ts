// A program that writes its status for ever: `statusWriter.ts PATH`. Says a word after each write.
import { filesStatus } from '../../lib/backends/files/filesStatus.ts';

const status = filesStatus<number>({ path: process.argv[2]! });
for (let n = 0; ; n++) {
  const txn = status.txn();
  for (let key = 0; key < 500; key++) txn.put(`k${key}`, n);
  await txn.commit();
  process.stdout.write('.');
}
