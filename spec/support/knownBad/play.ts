import { Observable, Subject, type Subscription, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { type Backend, type Capabilities, type DatasyncEvent, pinned, type Source } from '../../../lib/index.ts';
import {
  type Ability,
  History,
  type HistoryOptions,
  type Invariant,
  inspect,
  recordUpstream,
  type Violation,
} from '../../../lib/testing/index.ts';
import { HandLoop } from './handLoop.ts';
import { TinyStore } from './tinyStore.ts';

/** One adapter that is broken on purpose, or the same without its defect. */
export interface KnownBad {
  /** Whose defect it is, and what it does. */
  readonly name: string;
  /** Exactly the promises it breaks; the first is the one that names it. */
  readonly breaks: readonly Invariant[];
  readonly play: (variant: 'bad' | 'good') => Played;
  /** What of it stands between a store and its subscriber; missing where the defect is below the source, or in a scene. */
  readonly adapter?: Adapter;
}

/** The part of a source that is broken. */
export interface Adapter {
  readonly Loop?: typeof HandLoop;
  readonly backend?: (world: World) => Backend;
  /** What it says it can do, and the loop by hand does not. */
  readonly claims?: readonly Ability[];
  /** Takes every frame for news. */
  readonly isTrusting?: boolean;
}

/** What came of a play. */
export interface Played {
  readonly history: History<string>;
  readonly violations: readonly Violation[];
  /** The promises that were judged. */
  readonly checked: readonly Invariant[];
}

export const capabilities: Capabilities = {
  handOver: 'pinned',
  order: 'global',
  atomic: 'revision',
  resume: 'log',
  deletes: 'live+resync',
  prev: 'tracked',
  progress: 'none',
  nack: 'local',
  empty: 'distinguishable',
  revision: 'store',
};

/** A store, a history, and time. */
export class World {
  readonly history: History<string>;
  readonly store: TinyStore;
  readonly requests = new Subject<void>();
  readonly subscriptions: Subscription[] = [];

  constructor(history: History<string>) {
    this.history = history;
    this.store = new TinyStore(history);
  }

  /** Does something at a millisecond of virtual time. */
  at(ms: number, action: () => void): void {
    timer(ms).subscribe(action);
  }

  /** Writes one transaction after the other, one per 10 ms from the first on. */
  writes(from: number, ...all: Parameters<TinyStore['write']>[0][]): void {
    for (const [index, writes] of all.entries()) this.at(from + 10 * index, () => this.store.write(writes));
  }

  /** A backend as it should be over the store. */
  backend(more: Partial<Parameters<typeof pinned<number>>[0]> = {}): Backend<number> {
    const { store } = this;
    return pinned<number>({ list: () => store.list(), watch: ({ from }) => store.watch(from), ...more });
  }

  /** A source by hand over a backend. */
  source(Loop: typeof HandLoop, backend: Backend = this.backend(), prefixes: readonly string[] = ['']): Source<string> {
    const recorded = recordUpstream(backend, this.history);
    return new Observable<DatasyncEvent<string>>((subscriber) => {
      const loop = new Loop(recorded, subscriber, prefixes);
      subscriber.add(this.requests.subscribe(() => loop.request()));
      loop.connect();
    });
  }

  /** Subscribes until the end of the play. */
  run(observable: Observable<unknown>): void {
    this.subscriptions.push(observable.subscribe({ error: () => undefined }));
  }
}

/** Plays a scene in virtual time. After ten seconds all is quiet, then over. */
export function play(
  scene: (world: World) => void,
  options: HistoryOptions & { readonly capabilities?: Capabilities; readonly holding?: boolean } = {},
): Played {
  const history = new History<string>(options);
  new TestScheduler(() => undefined).run(() => {
    const world = new World(history);
    scene(world);
    timer(10_000).subscribe(() => {
      history.quiet({ holding: options.holding ?? false });
      for (const subscription of world.subscriptions) subscription.unsubscribe();
    });
  });
  return { history, ...inspect(history, options.capabilities ?? capabilities) };
}

/** A loop with one method overridden, against the loop as it is, in the same scene. */
export function badLoop(
  name: string,
  breaks: readonly Invariant[],
  Bad: typeof HandLoop,
  scene: (world: World) => void,
): KnownBad {
  return {
    name,
    breaks,
    adapter: { Loop: Bad },
    play: (variant) =>
      play((world) => {
        world.run(world.source(variant === 'bad' ? Bad : HandLoop).pipe(world.history.tap('source')));
        scene(world);
      }),
  };
}

/** A backend that is wrong below a loop that is right. */
export function badBackend(
  name: string,
  breaks: readonly Invariant[],
  bad: (world: World) => Backend,
  scene: (world: World) => void,
): KnownBad {
  return {
    name,
    breaks,
    adapter: { backend: bad },
    play: (variant) =>
      play((world) => {
        const backend = variant === 'bad' ? bad(world) : world.backend();
        world.run(world.source(HandLoop, backend).pipe(world.history.tap('source')));
        scene(world);
      }),
  };
}
