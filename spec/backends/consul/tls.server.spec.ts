import { describe, expect, it, onTestFinished } from 'vitest';
import { type ConsulConfig, createConsul } from '../../../lib/backends/consul/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { ConsulView, ownConsul } from '../../support/consul.ts';

const soon = { timeout: 20_000, interval: 10 };

async function secured() {
  const { agent, server } = await ownConsul({ tls: true });
  const certificates = server.certificates!;
  const store = (tls: ConsulConfig['tls'], scheme = '') => {
    const made = createConsul({ address: `${scheme}127.0.0.1:${agent.port}`, ...(tls !== undefined && { tls }) });
    onTestFinished(() => made.close());
    return made;
  };
  const own = { certFile: certificates.client.cert, keyFile: certificates.client.key };
  return { agent, certificates, store, own };
}

describe.runIf(needServer(consulLine))('createConsul and a Consul with TLS', () => {
  it('reads and writes with the files it was given', async () => {
    const { certificates, store, own } = await secured();
    const consul = store({ ...own, caFile: certificates.ca });
    await consul.ready();
    await consul.broker({ codec: textCodec }).put('a/1', 'x');
    const view = new ConsulView(consul.client);
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'x' });
  });

  it('with skipVerify believes whoever answers', async () => {
    const { store, own } = await secured();
    await store({ ...own, skipVerify: true }).ready();
  });

  it.each<[string, (files: Awaited<ReturnType<typeof secured>>) => readonly [ConsulConfig['tls'], string?], object]>([
    [
      'another authority',
      ({ own, certificates }) => [{ ...own, caFile: certificates.stranger.ca }],
      { code: 'CONNECTION_LOST' },
    ],
    ['no certificate of its own', ({ certificates }) => [{ caFile: certificates.ca }], { code: 'CONNECTION_LOST' }],
    ['no TLS', () => [undefined, 'http://'], { code: 'REFUSED', message: expect.stringContaining('400') }],
  ])('%s: the status says what is wrong, and nothing is told', async (_, configOf, cause) => {
    const files = await secured();
    const consul = files.store(...configOf(files));
    await expect(consul.ready()).rejects.toMatchObject(cause);
    const view = new ConsulView(consul.client);
    await expect.poll(() => view.statuses.at(-1)?.cause, soon).toMatchObject(cause);
    expect(view.told).toEqual([]);
  });

  it('TLS where there is none: said in words, with the address, and nothing was written', async () => {
    const { agent } = await ownConsul();
    const consul = createConsul({ address: `https://127.0.0.1:${agent.port}` });
    onTestFinished(() => consul.close());
    const message = `[rx-datasync/consul] GET https://127.0.0.1:${agent.port}/v1/status/leader: what answers there does not speak TLS; say http:// if it is Consul`;
    await expect(consul.ready()).rejects.toMatchObject({ code: 'CONNECTION_LOST', message });
    const put = consul.broker({ codec: textCodec }).put('a/1', 'x');
    await expect(put).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining('not speak TLS'),
    });
  });
});
