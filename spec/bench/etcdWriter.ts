// A process of its own: puts values of 100 bytes in transactions of 128, when it is told to. Arguments: endpoint, prefix, puts, keys.
import { Etcd3 } from 'etcd3';

const [endpoint = '', prefix = '', puts = '0', keys = '1'] = process.argv.slice(2);
const client = new Etcd3({ hosts: endpoint });
const filling = 'v'.repeat(88);
const batch = 128;

async function write(): Promise<void> {
  let running: Promise<unknown>[] = [];
  for (let start = 0; start < Number(puts); start += batch) {
    const success = [];
    for (let n = start; n < Math.min(start + batch, Number(puts)); n++) {
      const key = Buffer.from(`${prefix}${String(n % Number(keys)).padStart(8, '0')}`);
      success.push({ request_put: { key, value: Buffer.from(`${filling}${String(n).padStart(12, '0')}`) } });
    }
    running.push(client.kv.txn({ compare: [], success, failure: [] }));
    if (running.length < 8) continue;
    await Promise.all(running);
    running = [];
  }
  await Promise.all(running);
  client.close();
}

// The connection stands.
await client.maintenance.status();
process.on('message', () => {
  process.disconnect();
  void write();
});
process.send!('ready');
