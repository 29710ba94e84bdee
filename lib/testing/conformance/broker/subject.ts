import type { Observable } from 'rxjs';
import type { Broker, BrokerCapabilities } from '../../../model/broker.ts';
import type { Capabilities } from '../../../model/capabilities.ts';
import type { Codec } from '../../../model/codec.ts';
import type { DatasyncEvent } from '../../../model/events.ts';
import type { Awaitable, ConformanceConfig } from '../subject.ts';

/** What `broker` of a subject is called with. */
export interface BrokerMade<T> {
  readonly prefix: string;
  readonly codec: Codec<T>;
}

/** A source over the same store, for what is published to come back. */
export interface PublishedSource<S> {
  readonly capabilities: Capabilities;
  /** Makes it. */
  readonly of: (store: S, config: ConformanceConfig) => Observable<DatasyncEvent<unknown>>;
}

/** An adapter: what {@link describeBroker} has to know about one broker. `S` is one store, as its `open` returns it. */
export interface BrokerSubject<S> {
  /** In the names of tests and in reports. */
  readonly name: string;
  /** Of the server or the client; for the report. Default: `-`. */
  readonly version?: string;
  /** What the broker declares; what it declares away must be refused with `UNSUPPORTED` and the reason. */
  readonly capabilities: BrokerCapabilities;
  /** Whether writes resolve with a revision, which grows. Default: true. */
  readonly revisions?: boolean;
  /** Milliseconds that one thing may be waited for; never longer than needed. Default: 30,000. */
  readonly patience?: number;
  /** The shortest time to live that the store honours, in milliseconds. Default: 100. */
  readonly shortestTtl?: number;

  /** A store with nothing under its prefix; one for each test. */
  readonly open: () => Awaitable<S>;
  /** Put before every key, where several tests share one store. Default: `''`. */
  readonly prefix?: (store: S) => string;
  /** Makes the broker, under a prefix and with a codec. */
  readonly broker: <T>(store: S, made: BrokerMade<T>) => Broker<T>;
  /** Where what is published comes back; without it nothing is asked about that. */
  readonly source?: PublishedSource<S>;
  /** Gives up a store, when its test is over. Default: nothing. */
  readonly close?: (store: S) => Awaitable<void>;
  /** Why the store cannot hold a key; `undefined`: it can. Default: it holds every text. */
  readonly refuses?: (key: string) => string | undefined;
  /**
   * Makes the store hold something under a whole key that `jsonCodec` cannot read, for a store that does not take it from
   * a broker. Default: the text `{` is put.
   */
  readonly spoil?: (store: S, key: string) => Awaitable<void>;
}
