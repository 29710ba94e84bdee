import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { filter, type Observer, Subject } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fourViews, type Picture } from '../../examples/four-views/fourViews.ts';
import { paper, terminal } from '../../examples/four-views/screen.ts';
import { prefix, type Store } from '../../examples/four-views/stores.ts';
import { fromMemory, jsonCodec, memoryBroker, memoryStore, type Source, type SourceStatus } from '../../lib/index.ts';
import { read, root } from '../support/imports.ts';

const codec = jsonCodec<string>();

/** A store of the same name as one of the four. @param around what is amiss with its source */
function inMemory(name: string, around = (source: Source<string>): Source<string> => source): Store {
  const store = memoryStore();
  const broker = memoryBroker(store, { prefix, codec });
  return {
    name,
    watch: (statusObserver: Partial<Observer<SourceStatus>>) =>
      around(fromMemory(store, { prefixes: [prefix], codec, statusObserver })),
    write: (changes) => {
      const txn = broker.txn();
      for (const [key, value] of Object.entries(changes)) value === undefined ? txn.delete(key) : txn.put(key, value);
      return txn.commit();
    },
    [Symbol.asyncDispose]: () => broker.close(),
  };
}

/** Runs the example without a server: `goOn` is the Enter of `--by-hand`. */
function running(stores: readonly Store[]) {
  const goOn = new Subject<void>();
  const pictures: Picture[] = [];
  const subscription = fourViews(stores, goOn).subscribe((picture) => pictures.push(picture));
  onTestFinished(() => subscription.unsubscribe());
  const until = (index: number, isEqual: boolean) =>
    expect.poll(() => pictures.at(-1), { timeout: 10_000, interval: 5 }).toMatchObject({ step: { index }, isEqual });
  return { goOn, pictures, until };
}

const four = ['etcd', 'Redis', 'Consul', 'files'];

describe('examples/four-views', () => {
  it('goes through all its steps, and begins again', async () => {
    const { goOn, pictures, until } = running(four.map((name) => inMemory(name)));
    for (let index = 0; index < 16; index++) {
      await until(index, true);
      goOn.next();
    }
    const trees = pictures.filter(({ isEqual }) => isEqual).map(({ step: { index, tree } }) => [index, tree] as const);
    const treeAt = (n: number) => trees.find(([index]) => index === n)![1];
    expect([treeAt(0), treeAt(7)]).toEqual([{}, {}]);
    for (let n = 1; n < 8; n++) expect(treeAt(n + 7)).toEqual(treeAt(n));
  });

  it('shows it when a source leaves out a change', async () => {
    const lossy = (source: Source<string>) => source.pipe(filter(({ revision }) => revision !== 1));
    const { goOn, pictures, until } = running([
      ...four.slice(1).map((name) => inMemory(name)),
      inMemory('lossy', lossy),
    ]);
    await until(0, true);
    goOn.next();
    await until(1, false);
    const printed: string[] = [];
    terminal({ columns: 80, write: (text: string) => printed.push(text) > 0 })(pictures.at(-1)!);
    expect(printed.join('')).toContain('≠ not yet as written: lossy');
  });

  it('draws on a terminal one picture over the other, none wider than it is, and in a file one below the other', async () => {
    const { pictures, until } = running(four.map((name) => inMemory(name)));
    await until(0, true);
    const [last] = pictures.slice(-1);
    const away = { ...last!.views[0]!, state: 'away', cause: 'x'.repeat(200) } as const;
    const broken = { ...last!, views: [away, ...last!.views.slice(1)] };
    const written: string[] = [];
    const out = { columns: 80, write: (text: string) => written.push(text) > 0 };
    const [draw, print] = [terminal(out), paper(out)];
    for (const picture of [last!, broken]) draw(picture);
    const start = '\u001b[';
    for (const text of written) {
      expect([text.startsWith(`${start}H`), text.endsWith(`${start}J`)]).toEqual([true, true]);
      const lines = text.split(/[\n]/).map((line) => line.replaceAll(start, '\t').replace(/\t(\d+m|[HJK])/g, ''));
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      expect(text).toContain(`${start}32mlive${start}0m`);
    }
    expect(written[1]).toContain(`${start}31maway${start}0m`);
    terminal({ ...out, columns: 0 })(broken);
    expect(written.at(-1)).toContain(`etcd: ${'x'.repeat(72)}${start}0m`);
    written.length = 0;
    for (const picture of [last!, last!, broken, last!]) print(picture);
    expect(written.map((text) => text.split('\n')[0])).toEqual([
      'step 0: nothing',
      `! etcd is away: ${'x'.repeat(200)}`,
      'step 0: nothing',
      '! etcd is back',
      'step 0: nothing',
    ]);
    expect(written.join('')).not.toContain('\u001b');
  });

  it('has a page with links to what is there', () => {
    const files = [...read('examples/four-views/README.md').matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(4);
    expect(files.filter((file) => !existsSync(join(root, 'examples/four-views', file)))).toEqual([]);
  });
});
