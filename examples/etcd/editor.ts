/**
 * Writes the phone book in etcd.
 *
 *     npx tsx examples/etcd/editor.ts put NAME COMPANY PHONE
 *     npx tsx examples/etcd/editor.ts delete NAME
 */
import { contacts, prefix } from './phoneBook.ts';
import { withEtcd } from './withEtcd.ts';

const [command, name, company, phone] = process.argv.slice(2);

await withEtcd(async (etcd) => {
  const book = etcd.broker({ prefix, codec: contacts });
  if (command === 'put' && name !== undefined && company !== undefined && phone !== undefined) {
    await book.put(name, { name, company, phone });
    console.log(`${name} is in the book`);
  } else if (command === 'delete' && name !== undefined) {
    const { existed } = await book.delete(name);
    console.log(existed ? `${name} is deleted` : `${name} was not there`);
  } else {
    throw new Error('usage: editor.ts put NAME COMPANY PHONE, or editor.ts delete NAME');
  }
});
