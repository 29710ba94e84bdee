import {
  brokerFrom,
  bytesCodec,
  DatasyncError,
  diffed,
  fromBackend,
  fromMemory,
  fromPages,
  listMemory,
  memoryBackend,
  memoryBroker,
  memoryStore,
  pinned,
  watchMemory,
  windowed,
} from 'rx-datasync';
import { fromFiles } from 'rx-datasync/files';
import { NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';

const prefixes = [''];
const never = () => NEVER;
const notAStore = 'must be a memory store, made by memoryStore(), not';
const notACore = 'must be a store: { name, capabilities, get, list … }, not';

describe('wrong arguments throw a DatasyncError at creation, not when something happens', () => {
  const cases: Record<string, [create: () => unknown, message: string]> = {
    'fromBackend(undefined)': [() => fromBackend(undefined as never, { prefixes }), "the option 'backend' is missing"],
    'fromMemory(undefined)': [() => fromMemory(undefined as never, { prefixes }), `'store' ${notAStore} undefined`],
    'fromMemory(a Map)': [() => fromMemory(new Map() as never, { prefixes }), `'store' ${notAStore} an object`],
    'fromMemory(memoryStore)': [
      () => fromMemory(memoryStore as never, { prefixes }),
      `'store' ${notAStore} a function`,
    ],
    'listMemory({})': [() => listMemory({} as never, { prefixes }), `'store' ${notAStore} an object`],
    'watchMemory(null)': [() => watchMemory(null as never, { prefixes }), `'store' ${notAStore} null`],
    'memoryBackend({})': [() => memoryBackend({} as never), `'store' ${notAStore} an object`],
    'memoryBroker({})': [() => memoryBroker({} as never), `'store' ${notAStore} an object`],
    'memoryStore(5)': [() => memoryStore(5 as never), 'the options must be an object, not 5'],
    'brokerFrom(undefined)': [
      () => brokerFrom(undefined as never, { codec: bytesCodec }),
      `'core' ${notACore} undefined`,
    ],
    'brokerFrom(a Map)': [
      () => brokerFrom({ get: never, list: never } as never, { codec: bytesCodec }),
      `'core' ${notACore} an object`,
    ],
    'pinned(undefined)': [() => pinned(undefined as never), 'the options must be an object, not undefined'],
    'pinned({ list: 5 })': [
      () => pinned({ list: 5 as never, watch: never }),
      "the option 'list' must be a function, not 5",
    ],
    'windowed without read': [() => windowed({ watch: never, list: never } as never), "the option 'read' is missing"],
    'diffed(5)': [() => diffed(5 as never), "the option 'list' must be a function, not 5"],
    'fromPages(5)': [() => fromPages(5 as never), "'fetch' must be a function, not 5"],
    'fromFiles with a path that is none': [
      () => fromFiles({ paths: ['a', ''], prefixes }),
      `the option 'paths' must be an array of at least one path, but element 1 is ""`,
    ],
    'memoryBroker with a codec that is none': [
      () => memoryBroker(memoryStore(), { codec: { name: 'mine', decode: never } as never }),
      "the option 'codec' must be a codec: { name, decode, encode }, but 'encode' is missing",
    ],
    'fromFiles(undefined)': [() => fromFiles(undefined as never), 'the options must be an object, not undefined'],
  };

  it.each(Object.entries(cases))('%s', (call, [create, message]) => {
    expect(create).toThrow(DatasyncError);
    const where = /^\w+/.exec(call)![0];
    expect(create).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: `[rx-datasync] ${where}: ${message}` }),
    );
  });
});
