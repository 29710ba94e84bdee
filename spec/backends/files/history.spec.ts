import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { filesBackend } from '../../../lib/backends/files/index.ts';
import { jsonCodec } from '../../../lib/codecs/jsonCodec.ts';
import { fromBackend } from '../../../lib/source/fromBackend.ts';
import { History, inspect, recordHistory, recordUpstream, undecodable } from '../../../lib/testing/index.ts';
import { chokidar } from '../../support/chokidar.ts';
import { json, temporaryDirectory, until, yaml } from '../../support/files.ts';
import { randomNumbers } from '../../support/randomNumbers.ts';
import { recordBackend } from '../../support/recordBackend.ts';

type Value = number | typeof undecodable;

/** Files on disk, and beside them what they mean: by file, in the order of precedence. */
class Editor {
  readonly #directory: string;
  readonly #history: History<unknown>;
  readonly #files = new Map<string, { entries: Map<string, number>; broken: boolean }>();
  #truth: ReadonlyMap<string, Value> = new Map();
  #values: ReadonlyMap<string, Value> = new Map();
  #revision = 0;

  constructor(directory: string, history: History<unknown>) {
    this.#directory = directory;
    this.#history = history;
  }

  get truth(): ReadonlyMap<string, Value> {
    return this.#truth;
  }

  /** While one is, an entry that seems to be gone may be held. */
  get isBroken(): boolean {
    return [...this.#files.values()].some(({ broken }) => broken);
  }

  get names(): string[] {
    return [...this.#files.keys()].sort();
  }

  entriesOf(name: string): Map<string, number> {
    return new Map(this.#files.get(name)?.entries);
  }

  save(name: string, entries: Map<string, number>, style: number): void {
    this.#files.set(name, { entries, broken: false });
    this.#record();
    const values = Object.fromEntries(entries);
    this.#write(name, name.endsWith('.json') ? json(values) : yaml(values), style);
  }

  break(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    file.broken = true;
    this.#record();
    this.#write(name, '{"data": [', 0);
  }

  remove(name: string): void {
    if (!this.#files.delete(name)) return;
    this.#record();
    rmSync(join(this.#directory, name));
  }

  rename(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined || from === to || extname(from) !== extname(to)) return;
    this.#files.delete(from);
    // Under another name its last good entries are not known.
    if (file.broken) return void this.#files.set(from, file);
    this.#files.set(to, file);
    this.#record();
    mkdirSync(dirname(join(this.#directory, to)), { recursive: true });
    renameSync(join(this.#directory, from), join(this.#directory, to));
  }

  #write(name: string, text: string, style: number): void {
    const path = join(this.#directory, name);
    mkdirSync(dirname(path), { recursive: true });
    if (style === 1) rmSync(path, { force: true });
    writeFileSync(style === 2 ? `${path}.tmp` : path, text);
    if (style === 2) renameSync(`${path}.tmp`, path);
  }

  /** The history gets what happened to the keys: of one that two files have, the value of the first, then its refusal. */
  #record(): void {
    const values = new Map<string, Value>();
    const truth = new Map<string, Value>();
    for (const name of this.names) {
      const { entries, broken } = this.#files.get(name)!;
      for (const [key, value] of entries) {
        truth.set(key, broken || values.has(key) ? undecodable : value);
        if (!values.has(key)) values.set(key, broken ? undecodable : value);
      }
    }
    const deleted = [...this.#truth.keys()].filter((key) => !truth.has(key));
    const first = [...values].filter(
      ([key, value]) => this.#values.get(key) !== value || (truth.get(key) === value && this.#truth.get(key) !== value),
    );
    this.#tell(first, deleted);
    const between = new Map([...this.#truth, ...first]);
    this.#tell([...truth].filter(([key, value]) => between.get(key) !== value));
    this.#values = values;
    this.#truth = truth;
  }

  #tell(put: [string, Value][], deleted: string[] = []): void {
    if (put.length + deleted.length === 0) return;
    this.#history.write({ revision: ++this.#revision, put: Object.fromEntries(put), delete: deleted });
  }
}

describe('fromFiles, judged by the contract', () => {
  it.each([1, 2, 3])('keeps every promise under a random editor, seed %i', { timeout: 60_000 }, async (seed) => {
    const random = randomNumbers(seed);
    const directory = temporaryDirectory();
    const history = new History<unknown>();
    const editor = new Editor(directory, history);
    history.truth(0, []);
    const resyncOn = new Subject<void>();
    const backend = filesBackend({ paths: [directory], rescan: 1_000, settle: 200 });
    const source = fromBackend(recordUpstream(backend, history), {
      prefixes: [''],
      codec: jsonCodec(),
      resyncOn: resyncOn.pipe(history.requests()),
      statusObserver: history.statusObserver,
    });
    const recording = recordHistory(source, { history, prefixes: [''] });
    const view = () => {
      const held = new Map<string, unknown>();
      for (const step of history.steps) {
        if (step.type !== 'event') continue;
        const { event } = step;
        if (event.type === 'resync') held.clear();
        for (const { key, value } of event.type === 'resync' ? event.entries : []) held.set(key, value);
        for (const change of event.type === 'change' ? event.changes : []) {
          if (change.op === 'put') held.set(change.key, change.value);
          else held.delete(change.key);
        }
        for (const { key } of event.rejected) held.set(key, undecodable);
      }
      return held;
    };
    const shown = (map: ReadonlyMap<string, unknown>) =>
      [...map].map(([key, value]) => `${key} ${String(value)}`).sort();
    // The probe shows that a scan has seen everything before it, also what another file hides.
    let probe = 0;
    const settled = () => {
      editor.save('probe.json', new Map([['/probe', --probe]]), 0);
      return until(() => {
        const held = [...view()].filter(([key]) => !editor.isBroken || editor.truth.has(key));
        expect(shown(new Map(held))).toEqual(shown(editor.truth));
      });
    };
    const heal = () => {
      for (const each of editor.names) editor.save(each, editor.entriesOf(each), 0);
    };

    await until(() => expect(history.steps.some(({ type }) => type === 'event')).toBe(true));
    const names = ['a.yaml', 'b.json', 'deep/c.yaml', 'deep/er/d.json'];
    const pick = () => names[random(names.length)]!;
    for (let step = 1; step <= 60; step++) {
      const name = pick();
      const entries = editor.entriesOf(name);
      const choice = random(10);
      if (choice < 6) {
        for (let i = 0; i <= random(3); i++) entries.set(`/k${random(6)}`, step * 10 + i);
        if (random(3) === 0) entries.delete(`/k${random(6)}`);
        editor.save(name, entries, random(3));
      } else if (choice === 6) {
        // What it last held is what was last seen of it.
        await settled();
        editor.break(name);
      } else if (choice === 7) editor.remove(name);
      else if (choice === 8) editor.rename(name, pick());
      else if (step % 2 === 0) {
        heal();
        await settled();
        resyncOn.next();
        await pause(50);
      } else await settled();
      await pause(random(4) * random(20));
    }
    heal();
    await settled();
    history.quiet();
    recording.unsubscribe();

    const { violations, checked, skipped } = inspect(history, backend.capabilities);
    expect(violations, `${JSON.stringify(violations, undefined, 1)}\n${history}`).toEqual([]);
    expect(checked).toEqual(expect.arrayContaining(['I1', 'I7', 'I14', 'I18', 'I19', 'I40', 'I42']));
    recordBackend({ backend: 'files', version: `chokidar ${chokidar.version}`, invariants: checked, skipped });
  });
});
