import { describe, expect, it } from 'vitest';
import { needServer } from '../servers/need.ts';
import { ownEtcd } from '../support/etcd.ts';
import { read } from '../support/imports.ts';
import { Program } from '../support/program.ts';

const page = read('examples/datasync-demo/README.md');
const shown = (first: string) => new RegExp(`^\`\`\`\\n(${first}.*?)^\`\`\``, 'ms').exec(page)![1]!;

describe.runIf(needServer('etcd-3.4'))('examples/datasync-demo', () => {
  it('prints what its page shows; a consumer that is started again begins with what there is', async () => {
    const etcd = await ownEtcd();
    const at = { ETCD_ENDPOINTS: etcd.endpoints.join(',') };
    const consumer = new Program('datasync-demo/consumer.ts', [], at);
    await consumer.says('applied\n');
    const publisher = new Program('datasync-demo/publisher.ts', [], at);
    expect([await publisher.end(), publisher.printed]).toEqual([0, shown('two interfaces')]);
    expect(await consumer.end('SIGINT')).toBe(0);
    expect(consumer.printed).toBe(shown('resync'));

    await etcd.ctl('put', '/datasync-demo/west/eth0', '{"mtu":70000}');
    const next = new Program('datasync-demo/consumer.ts', [], at);
    await next.says('failed: west/eth0: an mtu of 70000 is more than 9216\n');
    expect(next.printed).toMatch(/^resync \(initial\): 2 interfaces\n {2}east\/eth0: 1500\n {2}west\/eth0: 70000\n/);
    // Told again, until it goes well; the change that mends it waits until then.
    await next.says('resync (nacked): 2 interfaces\n');
    await etcd.ctl('put', '/datasync-demo/west/eth0', '{"mtu":1500}');
    await next.says('west/eth0: 1500\n  applied\n');
    const word = async () => JSON.parse(await etcd.ctl('get', '/datasync-demo/word', '--print-value-only')) as object;
    await expect.poll(word, { timeout: 20_000, interval: 20 }).toMatchObject({ outcome: 'applied' });
  });
});
