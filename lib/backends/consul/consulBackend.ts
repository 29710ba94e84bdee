import type Consul from 'consul';
import { catchError, concat, concatMap, defer, forkJoin, merge, type Observable, repeat, take, timer } from 'rxjs';
import type { Capabilities } from '../../model/capabilities.ts';
import { DatasyncError } from '../../model/errors.ts';
import { type Backend, FatalError, type Frame, type OpenContext } from '../../source/frames.ts';
import { checkPrefixes } from './keys.ts';
import { Known } from './known.ts';
import type { ResolvedConsulOptions } from './options.ts';
import { Part } from './part.ts';
import { ShrinkGuard } from './shrinkGuard.ts';
import { Teller } from './teller.ts';

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

/** Consul's key-value store, for one subscription: over all connections it remembers what is known, so that a loss can be doubted. */
export class ConsulBackend implements Backend<never> {
  readonly name = 'consul';
  readonly capabilities: Capabilities = consulCapabilities;
  readonly #client: Consul;
  readonly #options: ResolvedConsulOptions;
  #known: readonly Known[] = [];
  #teller: Teller | undefined;
  #believes = false;

  constructor(client: Consul, options: ResolvedConsulOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** A resync was asked for: its snapshot is taken as it is, however much is gone. */
  believe(): void {
    this.#believes = true;
  }

  open({ prefixes, ready }: OpenContext<never>): Observable<Frame<never>> {
    return defer(() => {
      checkWatched(prefixes);
      const parts = this.#parts(prefixes);
      const teller = new Teller(parts, this.#teller);
      const first = forkJoin(parts.map((part) => part.first())).pipe(
        concatMap(() => {
          this.#believes = false;
          this.#teller = teller;
          return teller.snapshot();
        }),
      );
      return concat(first, merge(...parts.map((part) => follow(part, teller, ready))));
    }).pipe(catchError((error: unknown) => this.#fail(error)));
  }

  #parts(prefixes: readonly string[]): readonly Part[] {
    const before = this.#known;
    this.#known = prefixes.map(
      (prefix) => before.find((known) => known.prefix === prefix) ?? new Known(prefix, before),
    );
    return this.#known.map((known) => {
      const { onShrink } = this.#options;
      const guard = onShrink && new ShrinkGuard(onShrink);
      if (this.#believes) guard?.believe();
      return new Part(this.#client, this.#options, known, guard);
    });
  }

  #fail(error: unknown): never {
    const isDenied = error instanceof DatasyncError && error.code === 'ACCESS_DENIED';
    throw isDenied && this.#options.onDenied === 'fail' ? new FatalError(error.message, { cause: error }) : error;
  }
}

/** No Promise, no timer of its own: everything waits for room, then for the pause, then for Consul. */
function follow(part: Part, teller: Teller, ready: OpenContext<never>['ready']): Observable<Frame<never>> {
  return defer(() => timer(part.pause)).pipe(
    concatMap(() => ready().pipe(take(1))),
    concatMap(() => part.next()),
    concatMap((changes) => teller.changes(changes)),
    repeat(),
  );
}

function checkWatched(prefixes: readonly string[]): void {
  try {
    checkPrefixes('fromConsul', prefixes);
  } catch (error) {
    throw new FatalError((error as DatasyncError).message, { cause: error });
  }
}
