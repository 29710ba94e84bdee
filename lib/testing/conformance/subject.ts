import type { Observable } from 'rxjs';
import type { RawWrite } from '../../model/broker.ts';
import type { Capabilities } from '../../model/capabilities.ts';
import type { Codec } from '../../model/codec.ts';
import type { DatasyncEvent } from '../../model/events.ts';
import type { DeliveryConfig, SourceConfig } from '../../source/config.ts';
import type { Backend } from '../../source/frames.ts';
import type { History } from '../history.ts';
import type { PlaceOptions } from '../steps.ts';

/** Done at once, or later. */
export type Awaitable<T> = T | Promise<T>;

/**
 * One test, as vitest, jest, mocha and `node:test` declare it; `timeout` in milliseconds, where the runner knows it. The
 * test is asynchronous in any case: all of them take that, also as types.
 */
export type DeclareTest = (name: string, test: () => Promise<void>, timeout?: number) => unknown;

/** What a suite needs of a test runner: vitest, jest, mocha and `node:test` have it. It imports none. */
export interface TestRunner {
  /** Declares a group of tests. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** What cannot be tested is declared with `skip`, its name ends with the reason; without `skip` it passes under that name. */
  readonly it: DeclareTest & { readonly skip?: DeclareTest };
}

/** What a suite found out about a backend: once, when its last test has run. */
export interface ConformanceReport {
  /** The name of the subject. */
  readonly backend: string;
  readonly version: string;
  /** What was shown and held: promises of the contract (`I1` …), and fault scripts (`S1` …). */
  readonly invariants: readonly string[];
  /** All others, each with the reason. */
  readonly skipped: readonly { readonly invariant: string; readonly reason: string }[];
}

/** What can go wrong with a store as a whole; only its adapter can bring it about. */
export type StoreFault =
  /** Every connection of a source is reset, and may be made again at once. */
  | 'disconnect'
  /** From now on nothing gets through to a source, and nothing is closed; whoever writes goes another way. Ends. */
  | 'partition'
  /** The store stands still, as a process under SIGSTOP. Ends. */
  | 'pause'
  /** The store is killed and started again; it has kept its data. */
  | 'restart'
  /** The store is empty, as if its disk had been replaced; its revisions begin anew. */
  | 'wipe'
  /** A backup is taken; the function that is given puts it back in place of all that the store holds by then, with its revisions. */
  | 'backup'
  /** The store forgets how it came to its present revision. */
  | 'compact';

/** What a source may not be able to do. */
export type Ability =
  /** Made over a backend that goes through `stage.observed`. */
  | 'frames'
  /** Goes on after a break of the connection. */
  | 'reconnect'
  /** Takes `config.prefixes` as an Observable. */
  | 'prefixes'
  /** Takes `config.resyncOn`. */
  | 'resyncOn'
  /** Tells `config.statusObserver`. */
  | 'status'
  /** Keeps the limits of `config.delivery`. */
  | 'limits'
  /** Takes `config.resyncAfterReconnect`. */
  | 'resyncAfterReconnect'
  /** Gives up a connection that is silent for longer than its backend promises (`maxSilence`). */
  | 'silence'
  /** Tells a failed event again. */
  | 'redelivery';

/** What the suite lends to the adapter of a source. */
export interface SourceStage {
  /** Where everything is recorded. */
  readonly history: History;
  /** The same backend, watched and disturbed: put it around the one the source is made of. */
  readonly observed: <P>(backend: Backend<P>) => Backend<P>;
  /** The consumer: works on one event; for the handlers of a `pipeline`. */
  readonly work: (event: DatasyncEvent<unknown>) => Observable<unknown> | undefined;
  /** What is known about the place right at the source: for `history.tap('source', place)` in a `pipeline`. */
  readonly place: PlaceOptions;
}

/** How the suite makes a source. */
export type ConformanceConfig = SourceConfig<unknown> & {
  readonly codec: Codec<unknown>;
  readonly delivery?: DeliveryConfig;
};

/** An adapter: what {@link describeSource} has to know about one source. `S` is one store, as its `open` returns it. */
export interface SourceSubject<S> {
  /** In the names of tests and in reports: `etcd`, `memory, windowed` … */
  readonly name: string;
  /** Of the server or the client; for the report. Default: `-`. */
  readonly version?: string;
  /** What the backend declares: it binds what is asked of it. */
  readonly capabilities: Capabilities;
  /** `virtual`: everything is synchronous or waits for rxjs timers, no Promise anywhere; each scenario takes no time and is played twice. */
  readonly time: 'virtual' | 'real';
  /**
   * Milliseconds that a scenario may wait for one thing; it never waits longer than needed, and less than 500 is too little
   * for a source that backs off and tells again. Default: 30,000; in virtual time 600,000.
   */
  readonly patience?: number;

  /** A store with nothing under its prefix; one for each scenario. */
  readonly open: () => Awaitable<S>;
  /** Put before every key, where several scenarios share one store. Default: `''`. */
  readonly prefix?: (store: S) => string;
  /** Makes the source; it is not subscribed here. */
  readonly source: (store: S, config: ConformanceConfig, stage: SourceStage) => Observable<DatasyncEvent<unknown>>;
  /**
   * Writes everything in one transaction, or one after the other where there is none; resolves when it is done.
   *
   * @returns the revision, where events carry the store's
   */
  readonly write: (store: S, writes: readonly RawWrite[]) => Awaitable<number | undefined>;
  /** Gives up a store, when its scenario is over. Default: nothing. */
  readonly close?: (store: S) => Awaitable<void>;

  /** How each fault is brought about: done when it returns or its Promise resolves; one that ends gives a function that ends it. A text: why not. Default: none. */
  readonly faults?: Readonly<Partial<Record<StoreFault, string | ((store: S) => unknown)>>>;
  /** What the source cannot do, and why. Default: it can do everything. */
  readonly cannot?: Readonly<Partial<Record<Ability, string>>>;
  /** Why the store cannot hold a key; `undefined`: it can. Default: it holds every text. */
  readonly refuses?: (key: string) => string | undefined;
  /**
   * What stands below the source. It records at one place or several (`history.tap`), and lets `stage.work` do the work.
   * Default: the place `source`, then the work, one event after the other or several at once.
   */
  readonly pipeline?: (source: Observable<DatasyncEvent<unknown>>, stage: SourceStage) => Observable<unknown>;
}
