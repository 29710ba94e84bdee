/** What a backend promises, as data. The conformance suite binds its invariants to it; nothing is skipped in silence. */
export interface Capabilities {
  /** How the snapshot and the changes after it are joined without a gap. */
  readonly handOver: 'pinned' | 'windowed' | 'diffed' | 'scanned' | 'endOffset' | 'pushed';
  /** Over what the order of changes is that of the store. */
  readonly order: 'global' | 'partition' | 'key' | 'none';
  /** `revision`: all keys of one transaction are one event. */
  readonly atomic: 'revision' | 'none';
  /** Whether a broken connection can go on where it was. */
  readonly resume: 'log' | 'stateVector' | 'none';
  /** `resyncOnly`: a deletion is found only by reading everything again. */
  readonly deletes: 'live+resync' | 'resyncOnly';
  /** Who knows the previous value: the store, or this library. */
  readonly prev: 'native' | 'tracked';
  /** Whether the store says that it is alive while nothing changes. */
  readonly progress: 'native' | 'synthesised' | 'none';
  /** Whether an ack travels to the producer. */
  readonly nack: 'wire' | 'local';
  /** Whether "no keys" can be told from "cannot see the keys". */
  readonly empty: 'distinguishable' | 'ambiguous';
  /** `store`: events carry the store's own revision; `subscription`: a counter that starts with each subscription. */
  readonly revision: 'store' | 'subscription';
  /** Why something is declared away, by capability. */
  readonly reasons?: Readonly<Partial<Record<Exclude<keyof Capabilities, 'reasons'>, string>>>;
}
