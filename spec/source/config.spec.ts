import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { deliveryDefaults, retryDefaults } from '../../lib/source/config.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { ScriptedBackend } from '../../lib/testing/scriptedBackend.ts';

const codec = { name: 'none', decode: () => 1, encode: () => new Uint8Array() };

/** An option, what it is set to, and what the message says it must be. */
const refused: [path: string, value: unknown, message: string][] = [
  ['prefixes', 'a/', 'an array of texts, or an Observable of them, not "a/"'],
  ['prefixes', [1], 'an array of texts, or an Observable of them, but element 0 is 1'],
  ['prefixes', ['a', 'b', undefined], 'an array of texts, or an Observable of them, but element 2 is missing'],
  ['prefixes', ['a', ['b']], 'an array of texts, or an Observable of them, but element 1 is an array'],
  ['prefixes', [], "a list that is not empty ('' watches everything), not an empty array"],
  ['codec', {}, "a codec: { name, decode, encode }, but 'decode' is missing"],
  ['codec', { decode: codec.decode }, "a codec: { name, decode, encode }, but 'encode' is missing"],
  ['codec', () => codec, 'a codec: { name, decode, encode }, not a function'],
  ['codec', { ...codec, decode: 'json' }, `a codec: { name, decode, encode }, but 'decode' is "json"`],
  ['codec', null, 'a codec: { name, decode, encode }, not null'],
  ['name', '', 'a text that is not empty, not ""'],
  ['resyncOn', () => of(1), 'an Observable, not a function'],
  ['resyncAfterReconnect', 1, 'true or false, not 1'],
  ['statusObserver', console.log, 'an observer: { next }, not a function'],
  ['statusObserver', { nxt: console.log }, "an observer: { next }, but 'next' is missing"],
  ['retry.count', -1, 'a whole number, 0 or more, or Infinity, not -1'],
  ['retry.count', 1.5, 'a whole number, 0 or more, or Infinity, not 1.5'],
  ['retry.delay', -1, 'a number of milliseconds, or a function, not -1'],
  ['retry.delay', Number.NaN, 'a number of milliseconds, or a function, not NaN'],
  ['retry.maxDelay', Infinity, 'a number of milliseconds, 0 to 2,147,483,647, not Infinity'],
  ['retry.stable', '10', 'a number of milliseconds, 0 to 2,147,483,647, not "10"'],
  ['retry.random', 0.5, 'a function, not 0.5'],
  ['delivery.inFlight', 0, 'a whole number, 1 or more, not 0'],
  ['delivery.queue', -1, 'a whole number, 0 or more, or Infinity, not -1'],
  ['delivery.overflow', 'drop', "'conflate' or 'error' or 'pause', not \"drop\""],
  ['delivery.onNack', true, "'report' or 'resync', not true"],
  ['delivery.claimTimeout', -5, 'a number of milliseconds, 0 to 2,147,483,647, not -5'],
  ['delivery.redeliver.count', 0.5, 'a whole number, 0 or more, or Infinity, not 0.5'],
  ['delivery.redeliver.delay', null, 'a number of milliseconds, 0 to 2,147,483,647, not null'],
  ['delivery.redeliver.maxDelay', -1, 'a number of milliseconds, 0 to 2,147,483,647, not -1'],
];

function configOf(path: string, value: unknown): unknown {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
}

const failing = (config: unknown) => () => fromBackend(new ScriptedBackend(), config as never);
const invalid = (message: string) =>
  expect.objectContaining({ code: 'INVALID_CONFIG', message: `[rx-datasync] fromBackend: ${message}` });

describe('a wrong configuration throws at creation', () => {
  it.each(refused)('%s: %j', (path, value, message) => {
    const config = { prefixes: [''], ...(configOf(path, value) as object) };
    expect(failing(config)).toThrow(invalid(`the option '${path}' must be ${message}`));
  });

  it.each([
    [undefined, 'the options must be an object, not undefined'],
    [[], 'the options must be an object, not an empty array'],
    [{}, "the option 'prefixes' is missing"],
    [{ prefixes: undefined }, "the option 'prefixes' is missing"],
    [{ prefixes: [''], retry: 5 }, "'retry' must be an object, not 5"],
    [
      { prefixes: [''], retry: { cuont: 5 } },
      "unknown option 'retry.cuont'; known are count, delay, maxDelay, stable, random",
    ],
    [
      { prefixes: [''], toString: 1 },
      "unknown option 'toString'; known are prefixes, codec, name, resyncOn, resyncAfterReconnect, statusObserver, retry, delivery",
    ],
  ])('%j', (config, message) => {
    expect(failing(config)).toThrow(invalid(message));
  });

  it.each([[undefined], [{}], [{ open: 1 }], [{ open: () => undefined }], [() => undefined]])(
    'a backend that is none: %o',
    (backend) => {
      expect(() => fromBackend(backend as never, { prefixes: [''] })).toThrow(
        expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining("the option 'backend' ") }),
      );
    },
  );

  it('options that are present and undefined are the defaults', () => {
    const config = {
      prefixes: [''],
      codec: undefined,
      retry: { delay: undefined },
      delivery: { redeliver: undefined, queue: undefined },
    };
    expect(failing(config)).not.toThrow();
  });
});

describe('the defaults', () => {
  it('are those of the documentation', () => {
    expect(retryDefaults()).toEqual({
      count: Infinity,
      delay: 100,
      maxDelay: 30_000,
      stable: 10_000,
      random: Math.random,
    });
    expect(deliveryDefaults()).toEqual({
      inFlight: 128,
      queue: 1_000,
      overflow: 'conflate',
      onNack: 'report',
      claimTimeout: Infinity,
      redeliver: { count: 5, delay: 1_000, maxDelay: 30_000 },
    });
  });

  it('fill in what is missing or undefined', () => {
    expect(retryDefaults({ delay: 5, count: undefined as never })).toMatchObject({ delay: 5, count: Infinity });
    expect(deliveryDefaults({ queue: 1, redeliver: { count: 1, delay: undefined as never } })).toMatchObject({
      queue: 1,
      inFlight: 128,
      redeliver: { count: 1, delay: 1_000 },
    });
  });
});
