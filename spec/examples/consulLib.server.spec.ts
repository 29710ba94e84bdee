import { describe, expect, it } from 'vitest';
import { consulLine } from '../servers/consul.ts';
import { needServer } from '../servers/need.ts';
import { ownConsul } from '../support/consul.ts';
import { read } from '../support/imports.ts';
import { Program } from '../support/program.ts';

const shown = () => /^```\n(0 contacts.*?)```/ms.exec(read('examples/consul-lib/README.md'))![1];

describe.runIf(needServer(consulLine))('examples/consul-lib', () => {
  it('prints what its page shows, as often as one likes, and leaves nothing behind', async () => {
    const { agent } = await ownConsul();
    for (let round = 0; round < 2; round++) {
      const program = new Program('consul-lib/main.ts', [], { CONSUL_HTTP_ADDR: `127.0.0.1:${agent.port}` });
      await program.end();
      expect(program.printed).toBe(shown());
    }
    expect((await agent.request('GET', '/v1/kv/?keys')).body.trim()).toBe('[]');
  });
});
