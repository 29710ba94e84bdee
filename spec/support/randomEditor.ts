import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { json, yaml } from './files.ts';
import { styles } from './saveStyles.ts';

/** What a file holds, or last held. */
interface File {
  readonly entries: ReadonlyMap<string, number>;
  readonly trouble?: 'broken' | 'hidden';
  /** What is really in it while it is in trouble: nobody may take that for gone. */
  readonly inside?: ReadonlyMap<string, number>;
}

/** What a subscriber holds. */
export interface Truth {
  readonly sure: ReadonlyMap<string, number>;
  /** What is gone, but may be held as long as anything is in trouble. */
  readonly perhaps: ReadonlyMap<string, number>;
}

const saves = Object.values(styles);
const directories = ['', 'a', 'b', 'b/deep', 'mount'] as const;
const bases = ['x.json', 'y.yaml', 'z.yml'] as const;
/** It is seen through links, as a mounted ConfigMap: only swapped as a whole. */
const mounted = ['mount/one.yaml', 'mount/two.json'] as const;
/** So are these, through a link to a whole directory: `current -> releases/7`. */
const released = ['linked/one.yaml', 'linked/two.json'] as const;

/** Somebody who works on files at random, and knows what they mean. The same steps for the same numbers. */
export class RandomEditor {
  readonly #directory: string;
  readonly #random: (n: number) => number;
  readonly #files = new Map<string, File>();
  /** By link. */
  readonly #versions = new Map<string, number>();
  /** Of a key whose file is broken, what it was before. */
  #truth: Truth = { sure: new Map(), perhaps: new Map() };
  #value = 0;

  constructor(directory: string, random: (n: number) => number) {
    this.#directory = directory;
    this.#random = random;
    this.#swap();
    this.#release();
    for (const name of mounted) symlinkSync(join('..data', name.slice(6)), this.#path(name));
    this.#look();
  }

  get truth(): Record<string, number> {
    return Object.fromEntries(this.#truth.sure);
  }

  /** What somebody holds, without what is held for no more than being careful. */
  without(held: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const { perhaps } = this.#truth;
    return Object.fromEntries(Object.entries(held).filter(([key, value]) => perhaps.get(key) !== value));
  }

  /** While something is, what a subscriber holds depends on what it has seen: it must have seen every step. */
  get isTroubled(): boolean {
    return [...this.#files.values()].some(({ trouble }) => trouble !== undefined);
  }

  /** One thing that people do. Returns its name. */
  step(): string {
    const kinds: readonly (readonly [number, string, () => void])[] = [
      [9, 'save', () => this.#save(this.#anyPlace())],
      [3, 'move an entry', () => this.#moveEntry()],
      [3, 'rename', () => this.#rename()],
      [2, 'remove', () => this.#remove(this.#pick(this.#own))],
      [1, 'rename a directory', () => this.#renameDirectory()],
      [1, 'remove a directory', () => this.#removeDirectory()],
      [2, 'swap', () => this.#swap()],
      [2, 'release', () => this.#release()],
      [1, 'touch', () => this.#touch()],
      [1, 'chmod', () => this.#chmod()],
    ];
    const all = kinds.flatMap((kind) => Array.from({ length: kind[0] }, () => kind));
    const [, name, run] = all[this.#random(all.length)]!;
    run();
    this.#look();
    return name;
  }

  /**
   * Something that cannot be read or parsed when it is done: only what was seen before it stays. What is moved there in the
   * same go must stay too. Returns its name.
   */
  trouble(): string {
    const kinds: readonly (readonly [string, () => void])[] = [
      ['break', () => this.#hurt(this.#pickHealthy())],
      ['move an entry into what breaks', () => this.#moveEntry((name, entries) => this.#hurt(name, entries))],
      ['rename and break', () => this.#renameBroken()],
      ['rename a directory and break a file in it', () => this.#renameDirectory(true)],
    ];
    const [name, run] = kinds[this.#random(kinds.length)]!;
    run();
    this.#look();
    return name;
  }

  /** Makes a file unreadable, in one of three ways. `entries`: what it holds then. */
  #hurt(name: string | undefined, entries: ReadonlyMap<string, number> = new Map()): void {
    if (name === undefined) return;
    const path = this.#path(name);
    const last = this.#files.get(name)?.entries ?? new Map<string, number>();
    mkdirSync(dirname(path), { recursive: true });
    if (this.#random(3) === 0) {
      // A link to itself can be seen but not followed, also by root.
      rmSync(path, { force: true });
      symlinkSync(path, path);
      this.#files.set(name, { entries: last, trouble: 'hidden', inside: entries });
      return;
    }
    const inside = new Map(entries);
    // Without its end, or with something behind it.
    const whole = this.#textOf(name, entries);
    const text = this.#random(2) === 0 ? `${whole}\n  - key: [` : whole.slice(0, Math.max(8, whole.length - 5));
    const isCut = text.length < whole.length && extname(name) !== '.json';
    if (existsSync(path)) saves[this.#random(saves.length)]!(path, isCut ? `${whole}\n: [` : text);
    else writeFileSync(path, isCut ? `${whole}\n: [` : text);
    this.#files.set(name, { entries: last, trouble: 'broken', inside });
  }

  /** Mends everything, with other contents. */
  heal(): void {
    for (const [name, { trouble }] of this.#files) if (trouble !== undefined) this.#save(name);
    this.#look();
  }

  /** Something new that nothing hides, so that whoever has seen it has seen all before it. */
  probe(): void {
    this.#files.set('probe.json', { entries: new Map([['/probe', ++this.#value]]) });
    this.#write('probe.json', saves[0]!);
    this.#look();
  }

  /** All files but those that have a purpose of their own. */
  get #own(): string[] {
    return [...this.#files.keys()].filter((name) => name !== 'probe.json' && !/^(mount|linked)\//.test(name)).sort();
  }

  #anyPlace(): string {
    const directory = directories[this.#random(directories.length - 1)]!;
    return join(directory, bases[this.#random(bases.length)]!);
  }

  #pick(names: readonly string[]): string | undefined {
    return names[this.#random(Math.max(1, names.length))];
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #newEntries(of: ReadonlyMap<string, number> = new Map()): Map<string, number> {
    const entries = new Map(of);
    for (let i = this.#random(3); i >= 0; i--) entries.set(`/k${this.#random(12)}`, ++this.#value);
    if (this.#random(3) === 0) entries.delete(`/k${this.#random(12)}`);
    return entries;
  }

  #save(name: string): void {
    const { entries, trouble } = this.#files.get(name) ?? {};
    if (trouble === 'hidden') rmSync(this.#path(name));
    this.#files.set(name, { entries: this.#newEntries(entries) });
    this.#write(name, saves[this.#random(saves.length)]!);
  }

  #write(name: string, save: (path: string, text: string) => void): void {
    const path = this.#path(name);
    mkdirSync(dirname(path), { recursive: true });
    // Some ways of saving need something to save over.
    if (!existsSync(path)) writeFileSync(path, '');
    save(path, this.#textOf(name, this.#files.get(name)!.entries));
  }

  #textOf(name: string, entries: ReadonlyMap<string, number>): string {
    return (extname(name) === '.json' ? json : yaml)(Object.fromEntries(entries));
  }

  get #healthy(): string[] {
    return this.#own.filter((name) => this.#files.get(name)?.trouble === undefined);
  }

  #pickHealthy(): string | undefined {
    return this.#pick(this.#healthy);
  }

  /** @param hurt makes the file that gets the entry unreadable */
  #moveEntry(hurt?: (name: string, entries: ReadonlyMap<string, number>) => void): void {
    const [from, to] = [this.#pickHealthy(), this.#pickHealthy()];
    if (from === undefined || to === undefined || from === to) return;
    const left = new Map(this.#files.get(from)!.entries);
    const key = this.#pick([...left.keys()]);
    if (key === undefined) return;
    const entries = new Map(this.#files.get(to)!.entries).set(
      key,
      this.#random(2) === 0 ? ++this.#value : left.get(key)!,
    );
    left.delete(key);
    this.#files.set(from, { entries: left });
    if (hurt === undefined) this.#files.set(to, { entries });
    for (const name of this.#random(2) === 0 ? [from, to] : [to, from]) {
      if (name === to && hurt !== undefined) hurt(to, entries);
      else this.#write(name, saves[0]!);
    }
  }

  #rename(): void {
    const from = this.#pickHealthy();
    const to = this.#anyPlace();
    if (from === undefined || from === to) return;
    if ((extname(from) === '.json') !== (extname(to) === '.json')) return;
    mkdirSync(dirname(this.#path(to)), { recursive: true });
    renameSync(this.#path(from), this.#path(to));
    this.#files.set(to, this.#files.get(from)!);
    this.#files.delete(from);
  }

  /** Its name is another one, and it is broken, now or already before. */
  #renameBroken(): void {
    const from = this.#pick(this.#own.filter((name) => this.#files.get(name)!.trouble !== 'hidden'));
    const to = this.#anyPlace();
    if (from === undefined || from === to || this.#files.get(to)?.trouble !== undefined) return;
    const { entries, inside } = this.#files.get(from)!;
    rmSync(this.#path(from));
    this.#files.delete(from);
    this.#hurt(to, inside ?? entries);
  }

  #remove(name: string | undefined): void {
    if (name === undefined) return;
    rmSync(this.#path(name));
    this.#files.delete(name);
  }

  #below(directory: string): string[] {
    return this.#own.filter((name) => name.startsWith(`${directory}/`));
  }

  /** @param andBreak one of its files */
  #renameDirectory(andBreak: boolean = false): void {
    const [from, to] = this.#random(2) === 0 ? ['a', 'b'] : ['b', 'a'];
    const moved = this.#below(from!);
    if (moved.length === 0 || moved.some((name) => this.#files.get(name)!.trouble !== undefined)) return;
    if (this.#below(to!).some((name) => this.#files.get(name)!.trouble !== undefined)) return;
    rmSync(this.#path(to!), { recursive: true, force: true });
    const old = new Map(this.#below(to!).map((name) => [name, this.#files.get(name)!]));
    for (const name of old.keys()) this.#files.delete(name);
    renameSync(this.#path(from!), this.#path(to!));
    const now = (name: string): string => to + name.slice(from!.length);
    for (const name of moved) {
      this.#files.set(now(name), this.#files.get(name)!);
      this.#files.delete(name);
    }
    if (!andBreak) return;
    const name = now(this.#pick(moved)!);
    const { entries } = this.#files.get(name)!;
    // Under that name it is known what another file held.
    if (old.has(name)) this.#files.set(name, old.get(name)!);
    else this.#files.delete(name);
    this.#hurt(name, entries);
  }

  #removeDirectory(): void {
    const directory = this.#random(2) === 0 ? 'a' : 'b';
    rmSync(this.#path(directory), { recursive: true, force: true });
    for (const name of this.#below(directory)) this.#files.delete(name);
  }

  /** As Kubernetes does: a new directory, and a link to it that is renamed over the old one. */
  #swap(): void {
    this.#publish(mounted, 'mount/..data', (version) => `..${version}`);
  }

  #release(): void {
    this.#publish(released, 'linked', (version) => `.release${version}`);
  }

  #publish(names: readonly string[], link: string, nameOf: (version: number) => string): void {
    const parent = dirname(this.#path(link));
    const old = this.#versions.get(link) ?? 0;
    const version = nameOf(old + 1);
    this.#versions.set(link, old + 1);
    mkdirSync(join(parent, version), { recursive: true });
    for (const name of names) {
      const entries = new Map([
        [`/k${this.#random(12)}`, ++this.#value],
        [name, ++this.#value],
      ]);
      this.#files.set(name, { entries });
      const text = (name.endsWith('.json') ? json : yaml)(Object.fromEntries(entries));
      writeFileSync(join(parent, version, basename(name)), text);
    }
    symlinkSync(version, join(parent, '..tmp'));
    renameSync(join(parent, '..tmp'), this.#path(link));
    rmSync(join(parent, nameOf(old)), { recursive: true, force: true });
  }

  #touch(): void {
    const path = this.#path(this.#pick(this.#own) ?? 'mount');
    if (!lstatSync(path).isSymbolicLink()) utimesSync(path, this.#random(1_000), this.#random(1_000));
  }

  #chmod(): void {
    const name = this.#pick(this.#own.filter((each) => this.#files.get(each)?.trouble === undefined));
    if (name === undefined) return;
    for (const mode of [0, 0o644]) chmodSync(this.#path(name), mode);
  }

  /** What all files mean: the first one that has a key wins it, names compared directory by directory. */
  #look(): void {
    const { sure: before, perhaps: held } = this.#truth;
    const sure = new Map<string, number>();
    const order = [...this.#files.keys()].map((name) => name.split('/')).sort(byNames);
    const seen = new Set<string>();
    for (const names of order) {
      const { entries, trouble } = this.#files.get(names.join('/'))!;
      for (const [key, value] of entries) {
        if (seen.has(key)) continue;
        seen.add(key);
        const told = trouble === 'broken' ? before.get(key) : value;
        if (told !== undefined) sure.set(key, told);
      }
    }
    // No file has them any more: what is in one that cannot be read must stay, with what was told last.
    const perhaps = new Map<string, number>();
    const inside = new Set([...this.#files.values()].flatMap((file) => [...(file.inside?.keys() ?? [])]));
    for (const [key, value] of [...held, ...before]) {
      if (seen.has(key)) continue;
      if (inside.has(key) && before.has(key)) sure.set(key, value);
      else if (this.isTroubled) perhaps.set(key, value);
    }
    this.#truth = { sure, perhaps };
  }
}

function byNames(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((name, i) => name !== b[i]);
  return a[at]! < b[at]! ? -1 : 1;
}

/** What is on the disk, for messages. */
export function tree(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
}
