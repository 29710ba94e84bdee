// A process of its own: puts values of 100 bytes in batches of 128, when it is told to. Arguments: port, puts, keys.
// Written by hand, since a client would take as much of the machine as those who are measured.
import { once } from 'node:events';
import { connect } from 'node:net';

const [port = '0', puts = '0', keys = '1'] = process.argv.slice(2);
const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
const filling = 'v'.repeat(88);
const batch = 128;
/** Batches under way. */
const window = 8;
const answer = '+OK\r\n';

function requests(start: number, end: number): string {
  let text = '';
  for (let n = start; n < end; n++) {
    const key = `a/${String(n % Number(keys)).padStart(8, '0')}`;
    text += `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$100\r\n${filling}${String(n).padStart(12, '0')}\r\n`;
  }
  return text;
}

async function write(): Promise<void> {
  const total = Number(puts);
  let [sent, answered] = [0, 0];
  const send = (): void => {
    while (sent < total && sent - answered <= (window - 1) * batch) {
      const end = Math.min(sent + batch, total);
      socket.write(requests(sent, end));
      sent = end;
    }
  };
  let bytes = 0;
  socket.on('data', (chunk) => {
    // A refusal would look otherwise.
    if (chunk.includes('-')) throw new Error(chunk.toString());
    bytes += chunk.length;
    answered = Math.floor(bytes / answer.length);
    if (answered === total) socket.end();
    else send();
  });
  send();
  await once(socket, 'close');
}

await once(socket, 'connect');
process.on('message', () => {
  process.disconnect();
  void write();
});
process.send!('ready');
