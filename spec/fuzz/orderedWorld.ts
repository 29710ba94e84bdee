import { BehaviorSubject, Subject, timer } from 'rxjs';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import type { MemoryPosition, MemoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { type Backend, ContinuityLost, type RawWrite, textCodec } from '../../lib/index.ts';
import { faulty } from './faulty.ts';
import type { Behaviour, Script, Step } from './script.ts';
import type { Combination } from './world.ts';

const well: Behaviour = { says: 'done', applied: 'all', delay: 0 };

/** A store, the network before it, and the time that a script takes. */
export class OrderedWorld {
  readonly wanted = new BehaviorSubject<readonly string[]>(['/a/', '/b/']);
  readonly requests = new Subject<void>();
  readonly frames = { sent: 0, settled: 0 };
  readonly network: Backend<MemoryPosition>;
  lateFail: (back: number) => void = () => undefined;
  unsubscribe: () => void = () => undefined;
  readonly #store: MemoryStore;
  readonly #script: Script;
  readonly #cut = new Subject<unknown>();
  #latency = 0;
  #faded = false;
  #handled = 0;
  #quiet = false;
  #inside: (() => void) | undefined;

  constructor(store: MemoryStore, script: Script, handOver: Combination['handOver']) {
    this.#store = store;
    this.#script = script;
    this.network = faulty(memoryBackend(store, { handOver }), {
      cut: this.#cut,
      latency: () => this.#latency,
      faded: () => this.#faded,
      sent: () => this.frames.sent++,
      settled: () => this.frames.settled++,
    });
  }

  /** All is well from now on. */
  get isQuiet(): boolean {
    return this.#quiet;
  }

  /** What whoever works next does. */
  readonly behaviour = (): Behaviour => (this.#quiet ? well : (this.#script.behaviours[this.#handled++] ?? well));

  /** What a consumer writes inside its work. */
  writeInside(): void {
    const write = this.#inside;
    this.#inside = undefined;
    write?.();
  }

  /** Does what the script says. From 5 s after its end all is well. @returns when it ends, in ms */
  play(): number {
    let at = 1;
    for (const [pause, step] of this.#script.steps) {
      at += pause;
      timer(at).subscribe(() => this.#perform(step));
    }
    timer(at + 5_000).subscribe(() => {
      this.#quiet = true;
      this.#latency = 0;
      this.#inside = undefined;
      // What does not decode has no value that every consumer must agree on.
      for (const { key, value } of this.#store.entries())
        if (textCodec.decode(value, key) === 'BAD') this.#write([key, 'healed']);
    });
    return at;
  }

  /** What the store holds under the watched prefixes. */
  view(dynamic: boolean): ReadonlyMap<string, string> {
    const prefixes = dynamic ? this.wanted.value : ['/a/', '/b/'];
    const watched = this.#store.entries().filter(({ key }) => prefixes.some((prefix) => key.startsWith(prefix)));
    return new Map(watched.map(({ key, value }) => [key, textCodec.decode(value, key)]));
  }

  #write(...writes: readonly (readonly [key: string, text: string | undefined])[]): void {
    this.#store.apply(
      writes.map(([key, text]): RawWrite => {
        return text === undefined ? { op: 'delete', key } : { op: 'put', key, value: textCodec.encode(text, key) };
      }),
    );
  }

  #perform(step: Step): void {
    switch (step.do) {
      case 'put':
        return this.#write([step.key, step.value]);
      case 'same': {
        const entry = this.#store.get(step.key);
        return this.#write([step.key, entry && textCodec.decode(entry.value, step.key)]);
      }
      case 'delete':
        return this.#write([step.key, undefined]);
      case 'txn':
        return this.#write(...step.writes);
      case 'cut':
        return this.#cut.next(new Error('cut'));
      case 'cutAndCompact':
        this.#store.compact();
        return this.#cut.next(new ContinuityLost('compacted'));
      case 'compact':
        return this.#store.compact();
      case 'wipe':
        return this.#store.wipe();
      case 'request':
        return this.requests.next();
      case 'fade':
        this.#faded = true;
        timer(300).subscribe(() => {
          this.#faded = false;
          this.#cut.next(new Error('found dead'));
        });
        return;
      case 'latency':
        this.#latency = step.ms;
        return;
      case 'prefixes':
        return this.wanted.next(step.prefixes);
      case 'writeInside':
        this.#inside = () => this.#write([step.key, step.value]);
        return;
      case 'lateFail':
        return this.lateFail(step.back);
      case 'unsubscribe':
        return this.unsubscribe();
    }
  }
}
