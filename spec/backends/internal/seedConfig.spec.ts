import { describe, expect, expectTypeOf, it } from 'vitest';
import { closest } from '../../../lib/backends/internal/closest.ts';
import { readSeedConfig } from '../../../lib/backends/internal/readSeedConfig.ts';
import { type SeedKeys, seedKey } from '../../../lib/backends/internal/seedKeys.ts';
import { failureOf } from '../../support/failureOf.ts';

const keys = {
  endpoints: seedKey.texts,
  'dial-timeout': seedKey.duration,
  'insecure-transport': seedKey.flag,
  db: seedKey.count,
  'max-redirects': seedKey.positive,
  password: seedKey.secret,
  mode: seedKey.oneOf('fast', 'slow'),
  tls: { 'cert-file': seedKey.text, enabled: seedKey.flag },
} satisfies SeedKeys;

const origin = { where: 'etcdConfig', backend: 'etcd' };
const read = (config: unknown) => readSeedConfig(config, keys, origin);
const refusal = (config: unknown) =>
  failureOf(() => read(config)).message.replace('[rx-datasync/etcd] etcdConfig: ', '');

describe('readSeedConfig', () => {
  it('gives options in camel case, durations in milliseconds, nested tables too', () => {
    const options = read({
      endpoints: ['a:1'],
      'dial-timeout': '1s',
      'insecure-transport': true,
      db: 0,
      'max-redirects': 3,
      password: 'x',
      mode: 'slow',
      tls: { 'cert-file': 'c.pem', enabled: false },
    });
    expect(options).toEqual({
      endpoints: ['a:1'],
      dialTimeout: 1_000,
      insecureTransport: true,
      db: 0,
      maxRedirects: 3,
      password: 'x',
      mode: 'slow',
      tls: { certFile: 'c.pem', enabled: false },
    });
    expectTypeOf(options).toEqualTypeOf<{
      readonly endpoints?: readonly string[];
      readonly dialTimeout?: number;
      readonly insecureTransport?: boolean;
      readonly db?: number;
      readonly maxRedirects?: number;
      readonly password?: string;
      readonly mode?: 'fast' | 'slow';
      readonly tls?: { readonly certFile?: string; readonly enabled?: boolean };
    }>();
  });

  it('takes a key without a value for none', () => {
    expect(read({ endpoints: null, tls: { 'cert-file': undefined }, db: undefined })).toEqual({ tls: {} });
  });

  it('refuses an unknown key with what was meant and what is known', () => {
    const known = `known are ${Object.keys(keys).join(', ')}`;
    expect(refusal({ 'dial-timeuot': '1s' })).toBe(`unknown key 'dial-timeuot'; did you mean 'dial-timeout'? ${known}`);
    expect(refusal({ dialTimeout: '1s' })).toContain("did you mean 'dial-timeout'?");
    expect(refusal({ colour: 'red' })).toBe(`unknown key 'colour'; ${known}`);
    expect(refusal({ tls: { 'cert-fiel': '' } })).toBe(
      "unknown key 'tls.cert-fiel'; did you mean 'tls.cert-file'? known are cert-file, enabled",
    );
    expect(refusal({ toString: 1 })).toContain("unknown key 'toString'");
    expect(refusal({ 'dial-timeuot': null })).toContain("unknown key 'dial-timeuot'");
  });

  it.each([
    [{ 'dial-timeout': 100 }, /^'dial-timeout' must be a duration such as .* nanoseconds \(1 ms or more\), not 100$/],
    [{ 'dial-timeout': '1000h' }, /^'dial-timeout' must be a duration .*, not "1000h"$/],
    [{ endpoints: 'a:1' }, '\'endpoints\' must be a list of at least one text, not "a:1"'],
    [{ endpoints: [] }, "'endpoints' must be a list of at least one text, not an empty array"],
    [{ endpoints: ['a:1', 2379] }, "'endpoints' must be a list of at least one text, but element 1 is 2379"],
    [{ 'insecure-transport': 'yes' }, '\'insecure-transport\' must be true or false, not "yes"'],
    [{ db: Infinity }, "'db' must be a whole number, 0 or more, not Infinity"],
    [{ mode: 'faster' }, "'mode' must be 'fast' or 'slow', not \"faster\""],
    [{ tls: { enabled: 1 } }, "'tls.enabled' must be true or false, not 1"],
    [{ tls: ['cert-file'] }, "'tls' must be a table of keys, not an array; known are cert-file, enabled"],
    ['a: 1', `a configuration must be a table of keys, not "a: 1"; known are ${Object.keys(keys).join(', ')}`],
  ])('refuses %j', (config, message) => {
    expect(refusal(config)).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
  });

  it('never shows a secret', () => {
    expect(refusal({ password: 271828 })).toBe("'password' must be a text that is not empty (a number needs quotes)");
  });

  it('misses what is required', () => {
    const attempt = () => readSeedConfig({ endpoints: null }, keys, origin, ['endpoints']);
    expect(failureOf(attempt)).toMatchObject({
      code: 'INVALID_CONFIG',
      backend: 'etcd',
      message: "[rx-datasync/etcd] etcdConfig: the key 'endpoints' is missing",
    });
    expect(readSeedConfig({ 'dial-timeout': 0 }, keys, origin, ['dial-timeout'])).toEqual({ dialTimeout: 0 });
  });
});

describe('closest', () => {
  it.each([
    ['statuspath', 'status-path'],
    ['STATUS_PATH', 'status-path'],
    ['status-pahts', 'status-path'],
    ['path', undefined],
    ['x', undefined],
    ['', undefined],
  ])('%j is %j', (word, expected) => {
    expect(closest(word, ['configuration-paths', 'status-path', 'db'])).toBe(expected);
  });
});
