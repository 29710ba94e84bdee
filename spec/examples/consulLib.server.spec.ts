import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needServer } from '../servers/need.ts';
import { ownConsul } from '../support/consul.ts';
import { read, root } from '../support/imports.ts';

const shown = () => /^```\n(0 contacts.*?)```/ms.exec(read('examples/consul-lib/README.md'))![1];

describe.runIf(needServer('consul-1.8'))('examples/consul-lib', () => {
  it('prints what its page shows, as often as one likes, and leaves nothing behind', async () => {
    const { agent } = await ownConsul();
    const env = {
      ...process.env,
      CONSUL_HTTP_ADDR: `127.0.0.1:${agent.port}`,
      TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'),
    };
    for (let round = 0; round < 2; round++) {
      const args = ['--import', import.meta.resolve('tsx'), join(root, 'examples/consul-lib/main.ts')];
      const child = spawn(process.execPath, args, { env });
      let printed = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (text: Buffer) => (printed += text.toString()));
      await once(child, 'close');
      expect(printed).toBe(shown());
    }
    expect((await agent.request('GET', '/v1/kv/?keys')).body.trim()).toBe('[]');
  });
});
