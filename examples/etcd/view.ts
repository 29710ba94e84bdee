/**
 * Prints the phone book in etcd, once.
 *
 *     npx tsx examples/etcd/view.ts
 */
import { contacts, lineOf, prefix } from './phoneBook.ts';
import { withEtcd } from './withEtcd.ts';

await withEtcd(async (etcd) => {
  const book = await etcd.broker({ prefix, codec: contacts }).list();
  console.log(`${book.length} contacts`);
  for (const { value } of book) console.log(`  ${lineOf(value)}`);
});
