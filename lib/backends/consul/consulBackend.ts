import type Consul from 'consul';
import {
  catchError,
  concat,
  concatMap,
  defer,
  endWith,
  from,
  ignoreElements,
  merge,
  mergeMap,
  type Observable,
  tap,
} from 'rxjs';
import type { Capabilities } from '../../model/capabilities.ts';
import { DatasyncError } from '../../model/errors.ts';
import { type Backend, FatalError, type Frame, type OpenContext } from '../../source/frames.ts';
import { checkPrefixes } from './keys.ts';
import { Memory } from './memory.ts';
import type { ResolvedConsulOptions } from './options.ts';
import { Part, type PartContext } from './part.ts';
import { ShrinkGuard } from './shrinkGuard.ts';
import { SplitTree } from './splitTree.ts';
import { Teller } from './teller.ts';
import { type Tree, WholeTree } from './tree.ts';

/** What `fromConsul` declares. */
export const consulCapabilities: Capabilities = {
  handOver: 'diffed',
  order: 'none',
  atomic: 'none',
  resume: 'none',
  deletes: 'live+resync',
  prev: 'tracked',
  progress: 'synthesised',
  nack: 'local',
  empty: 'distinguishable',
  revision: 'subscription',
  reasons: {
    order: 'an answer shows what changed since the one before, not in which order',
    atomic: 'each prefix is asked for by itself, and an answer may hold several transactions',
    resume: 'Consul keeps no history',
    revision: 'each prefix has an index of its own, and their answers overtake each other',
  },
};

/** What it declares with `split`: what is under one sub-prefix is of one moment, and the others are read before or after it. */
export const splitCapabilities: Capabilities = { ...consulCapabilities, handOver: 'scanned' };

/** Prefixes whose first answers are asked for at once. */
const firstAtOnce = 16;

/** Consul's key-value store, for one subscription: over all connections it remembers what is known, so that a loss can be doubted. */
export class ConsulBackend implements Backend<never> {
  readonly name = 'consul';
  readonly capabilities: Capabilities;
  readonly #options: ResolvedConsulOptions;
  readonly #context: PartContext;
  #memories: readonly Memory[] = [];
  #teller: Teller | undefined;
  #believes = false;

  constructor(client: Consul, options: ResolvedConsulOptions) {
    this.#options = options;
    this.capabilities = options.split === undefined ? consulCapabilities : splitCapabilities;
    const { timeout, maxAnswer } = options;
    this.#context = { client, options, limits: { begin: timeout, pause: timeout, size: maxAnswer } };
  }

  /** A resync was asked for: its snapshot is taken as it is, however much is gone. */
  believe(): void {
    this.#believes = true;
  }

  open({ prefixes, ready }: OpenContext<never>): Observable<Frame<never>> {
    return defer(() => {
      checkWatched(prefixes);
      const trees = this.#trees(prefixes);
      const teller = new Teller(trees, this.#teller);
      // Taken: who asks from now on is answered by the next one.
      const believes = this.#believes;
      this.#believes = false;
      const first = from(trees).pipe(
        mergeMap((tree) => tree.first(), firstAtOnce),
        ignoreElements(),
        endWith(true),
        concatMap(() => {
          this.#teller = teller;
          return teller.snapshot();
        }),
        tap({
          error: () => {
            this.#believes ||= believes;
          },
        }),
      );
      return concat(first, merge(...trees.map((tree) => tree.follow(teller, ready))));
    }).pipe(catchError((error: unknown) => this.#fail(error)));
  }

  #trees(prefixes: readonly string[]): readonly Tree[] {
    const before = this.#memories;
    const { onShrink, split } = this.#options;
    this.#memories = prefixes.map(
      (prefix) => before.find((memory) => memory.prefix === prefix) ?? new Memory(prefix, split?.separator, before),
    );
    const believes = this.#believes;
    const guard = (): ShrinkGuard | undefined => onShrink && new ShrinkGuard(onShrink, believes);
    const queries = { free: split?.queries ?? 0 };
    return this.#memories.map((memory) =>
      split === undefined
        ? new WholeTree(new Part(this.#context, memory.own, guard()))
        : new SplitTree(this.#context, memory, guard, { separator: split.separator, queries }),
    );
  }

  #fail(error: unknown): never {
    const isDenied = error instanceof DatasyncError && error.code === 'ACCESS_DENIED';
    throw isDenied && this.#options.onDenied === 'fail' ? new FatalError(error.message, { cause: error }) : error;
  }
}

function checkWatched(prefixes: readonly string[]): void {
  try {
    checkPrefixes('fromConsul', prefixes);
  } catch (error) {
    throw new FatalError((error as DatasyncError).message, { cause: error });
  }
}
