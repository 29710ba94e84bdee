import type { BrokerCapabilities } from '../../../model/broker.ts';
import type { Bench } from './bench.ts';
import { errors } from './errors.ts';
import { extents } from './extents.ts';
import { published } from './published.ts';
import { writes } from './writes.ts';

/** One test of a broker. */
export interface BrokerCase {
  readonly name: string;
  /** The promise it is there for. */
  readonly keeps?: 'I41';
  readonly needs?: readonly (Exclude<keyof BrokerCapabilities, 'reasons'> | 'source')[];
  readonly test: (bench: Bench) => Promise<void>;
}

const kinds: Readonly<Record<string, unknown>> = {
  empty: '',
  list: [],
  no: false,
  nothing: null,
  record: { a: [{ b: 1 }] },
  text: '\u00fc \u{1f600} "\\\n',
  zero: 0,
};

const odd = [
  'with space',
  '*?[x]',
  '"quoted"',
  '\\',
  '%41',
  'a//b',
  '\u00fcn\u00ef-\u65e5\u672c',
  ':@!,>~',
  '',
] as const;

const reads: readonly BrokerCase[] = [
  {
    name: 'get: what was put, with its revision; and that nothing is there',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker();
      bench.same(await broker.get('a'), { found: false, key: 'a' }, 'get of a missing key');
      const { revision } = await broker.put('a', 1);
      const got = await broker.get('a');
      bench.same({ ...got, revision: 0 }, { found: true, key: 'a', value: 1, revision: 0 }, 'get of a key');
      if (bench.subject.revisions !== false)
        bench.same('revision' in got && got.revision, revision, 'the revision of a key');
    },
  },
  {
    name: 'list and listKeys: everything, a prefix as a raw string, a range; sorted by key',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker();
      bench.same(await broker.list(), [], 'list of an empty store');
      bench.same(await broker.listKeys(), [], 'listKeys of an empty store');
      for (const key of ['b', 'a/2', 'ab', 'a/1', 'a', 'A', 'a/10']) await broker.put(key, key.length);
      const keys = async (range?: Parameters<typeof broker.list>[0]) => {
        const listed = (await broker.list(range)).map(({ key }) => key);
        bench.same(await broker.listKeys(range), listed, 'listKeys, compared with list');
        return listed;
      };
      bench.same(await keys(), ['A', 'a', 'a/1', 'a/10', 'a/2', 'ab', 'b'], 'the keys of all');
      bench.same(await keys({ prefix: 'a/' }), ['a/1', 'a/10', 'a/2'], "the keys under 'a/'");
      bench.same(await keys({ prefix: 'a' }), ['a', 'a/1', 'a/10', 'a/2', 'ab'], "the keys under 'a'");
      bench.same(await keys({ prefix: 'c' }), [], "the keys under 'c'");
      bench.same(await keys({ start: 'a/1', end: 'ab' }), ['a/1', 'a/10', 'a/2'], "the keys from 'a/1' to before 'ab'");
      bench.same(await keys({ start: 'x', end: 'a' }), [], 'the keys of a range that ends before it starts');
    },
  },
  {
    name: 'values of every kind come back as they were written',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker();
      for (const [key, value] of Object.entries(kinds)) await broker.put(key, value);
      await bench.holds(broker, kinds, 'of values of every kind');
    },
  },
  {
    name: 'keys of every kind come back as they were written, but for those the store refuses',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker('odd/');
      const keys = odd.filter((key) => bench.subject.refuses?.(`${bench.prefix}odd/${key}`) === undefined);
      for (const [index, key] of keys.entries()) await broker.put(key, index);
      await bench.holds(broker, Object.fromEntries(keys.map((key, index) => [key, index])), 'of keys of every kind');
      for (const key of keys)
        bench.same((await broker.delete(key)).existed, true, `existed, of ${JSON.stringify(key)}`);
      await bench.holds(broker, {}, 'when all are deleted');
    },
  },
  {
    name: 'a view under a prefix: its keys are without it, and its neighbours are not seen',
    needs: ['write'],
    test: async (bench) => {
      const broker = bench.broker();
      const view = broker.under('a/').under('b/');
      await broker.put('a/b/1', 1);
      await broker.put('a/b', 'neighbour');
      await broker.put('a/c/1', 'neighbour');
      await view.put('2', 2);
      await bench.holds(view, { 1: 1, 2: 2 }, 'of the view');
      bench.same(
        (await broker.get('a/b/2')).found,
        true,
        'whether the whole store finds what was put through the view',
      );
      bench.same((await bench.broker('a/b/').get('1')).found, true, 'whether another broker with this prefix finds it');
      bench.same((await view.delete('1')).existed, true, 'existed, through the view');
      await view.close();
      bench.same((await broker.get('a/b/2')).found, true, 'whether the broker reads when a view of it is closed');
    },
  },
  {
    name: 'close: as often as one likes',
    test: async (bench) => {
      const broker = bench.broker();
      await broker.close();
      await broker.close();
      await broker[Symbol.asyncDispose]();
    },
  },
];

/** All that a broker is held to. */
export const brokerCases: readonly BrokerCase[] = [...reads, ...writes, ...extents, ...errors, ...published];
