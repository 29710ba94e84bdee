import { afterEach, describe, expect, it, vi } from 'vitest';
import { serviceLabel } from '../../lib/config/serviceLabel.ts';
import { failureOf } from '../support/failureOf.ts';

const none = { args: [], env: {} };

describe('serviceLabel', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is the one passed in, else the flag, else the variable, else vpp1', () => {
    const args = ['--microservice-label', 'flag'];
    const env = { MICROSERVICE_LABEL: 'variable' };
    expect(serviceLabel({ label: 'mine', args, env }).label).toBe('mine');
    expect(serviceLabel({ args, env }).label).toBe('flag');
    expect(serviceLabel({ args: [], env }).label).toBe('variable');
    expect(serviceLabel(none).label).toBe('vpp1');
    expect(serviceLabel({ args: [], env: { MICROSERVICE_LABEL: '' } }).label).toBe('vpp1');
  });

  it('reads the arguments and variables of the process', () => {
    vi.stubEnv('MICROSERVICE_LABEL', 'from-process');
    expect(serviceLabel({ args: [] }).prefix).toBe('/vnf-agent/from-process/');
    const { argv } = process;
    process.argv = ['node', 'main.js', '--microservice-label=from-flag'];
    try {
      expect(serviceLabel().prefix).toBe('/vnf-agent/from-flag/');
    } finally {
      process.argv = argv;
    }
  });

  it('gives the prefix of this instance, of another one, and of all', () => {
    const service = serviceLabel({ ...none, label: 'a' });
    expect([service.prefix, service.prefixOf('b'), service.root]).toEqual([
      '/vnf-agent/a/',
      '/vnf-agent/b/',
      '/vnf-agent/',
    ]);
    expect(serviceLabel({ ...none, root: '' }).prefix).toBe('vpp1/');
  });

  it.each([[{ args: ['--microservice-label='] }], [{ label: 'a/b' }], [{ env: { MICROSERVICE_LABEL: '/' } }]])(
    'refuses a label that would mix its keys with those of others: %j',
    (config) => {
      const failure = failureOf(() => serviceLabel({ ...none, ...config }));
      expect(failure).toMatchObject({ code: 'INVALID_CONFIG' });
      expect(failure.message).toContain("must be a text that is not empty and has no '/'");
    },
  );

  it('refuses such a label of another instance, and unknown options', () => {
    expect(failureOf(() => serviceLabel(none).prefixOf(''))).toMatchObject({ code: 'INVALID_CONFIG' });
    expect(failureOf(() => serviceLabel({ labl: 'a' } as never)).message).toContain("unknown option 'labl'");
    expect(failureOf(() => serviceLabel({ label: '' }))).toMatchObject({ code: 'INVALID_CONFIG' });
  });
});
