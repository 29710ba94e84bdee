// A process of its own: puts values of 100 bytes in batches of 128, when it is told to. Arguments: port, puts, keys.
import { Redis } from 'ioredis';

const [port = '0', puts = '0', keys = '1'] = process.argv.slice(2);
const client = new Redis({ port: Number(port), host: '127.0.0.1' });
const filling = 'v'.repeat(88);
const batch = 128;

async function write(): Promise<void> {
  let running: Promise<unknown>[] = [];
  for (let start = 0; start < Number(puts); start += batch) {
    const pipeline = client.pipeline();
    for (let n = start; n < Math.min(start + batch, Number(puts)); n++)
      pipeline.set(`a/${String(n % Number(keys)).padStart(8, '0')}`, `${filling}${String(n).padStart(12, '0')}`);
    running.push(pipeline.exec());
    if (running.length < 8) continue;
    await Promise.all(running);
    running = [];
  }
  await Promise.all(running);
  client.disconnect();
}

await client.ping();
process.on('message', () => {
  process.disconnect();
  void write();
});
process.send!('ready');
