/**
 * Every data store as a cold Observable of resync-then-change events. What is exported here needs rxjs and nothing else.
 *
 * @packageDocumentation
 */
export {
  type FromMemoryConfig,
  fromMemory,
  listMemory,
  type MemoryHalfConfig,
  watchMemory,
} from './backends/memory/fromMemory.ts';
export { type MemoryBackendOptions, memoryBackend } from './backends/memory/memoryBackend.ts';
export {
  type MemoryBroker,
  type MemoryBrokerConfig,
  type MemoryCommitResult,
  type MemoryTxn,
  memoryBroker,
} from './backends/memory/memoryBroker.ts';
export {
  type MemoryPosition,
  type MemoryStore,
  type MemoryStoreOptions,
  memoryStore,
} from './backends/memory/memoryStore.ts';
export { type BrokerConfig, brokerFrom } from './broker/brokerFrom.ts';
export { bytesCodec } from './codecs/bytesCodec.ts';
export { jsonCodec } from './codecs/jsonCodec.ts';
export { type StandardIssue, type StandardResult, type StandardSchema, schemaCodec } from './codecs/schemaCodec.ts';
export { textCodec } from './codecs/textCodec.ts';
export { type Claim, type FailDetails, type Outcome, settledWell } from './model/ack.ts';
export type {
  Broker,
  BrokerCapabilities,
  CommitOptions,
  CommitResult,
  CoreBroker,
  GetResult,
  KeyRange,
  PutOptions,
  RawWrite,
  SubscriberOutcome,
  Txn,
  WriteResult,
} from './model/broker.ts';
export type { Capabilities } from './model/capabilities.ts';
export type { Codec } from './model/codec.ts';
export { DatasyncError, type DatasyncErrorDetails, type ErrorCode, errorCodes } from './model/errors.ts';
export {
  ChangeEvent,
  type ChangeFields,
  type DatasyncEvent,
  ResyncEvent,
  type ResyncFields,
  type Source,
} from './model/events.ts';
export { Snapshot } from './model/snapshot.ts';
export type { SourceStatus } from './model/status.ts';
export type { Change, KeyValue, Rejected, ResyncDiff, ResyncReason } from './model/values.ts';
export {
  type AckHandlers,
  type AckResult,
  type AckWithCallbackConfig,
  ackWithCallback,
  type WorkContext,
  type WorkResult,
} from './operators/ackWithCallback.ts';
export { bufferDuringResync } from './operators/bufferDuringResync.ts';
export { type Consumer, type ConsumerConfig, consumer } from './operators/consumer.ts';
export { distinctValue } from './operators/distinctValue.ts';
export { filterByRevision } from './operators/filterByRevision.ts';
export { mapValue } from './operators/mapValue.ts';
export {
  type MergedSource,
  type MergeSourcesConfig,
  mergeSources,
  type ValueOfSource,
} from './operators/mergeSources.ts';
export {
  type ConsumerOutcome,
  type OnFailure,
  type OrderedResult,
  type OrderedResyncConfig,
  orderedResync,
} from './operators/orderedResync.ts';
export { type PublishTarget, publishTo } from './operators/publishTo.ts';
export { type ShareResyncConfig, shareResync } from './operators/shareResync.ts';
export { toState } from './operators/toState.ts';
export { trackPrevious } from './operators/trackPrevious.ts';
export { withPrefix } from './operators/withPrefix.ts';
export type {
  DeliveryConfig,
  RedeliverConfig,
  RetryConfig,
  SourceConfig,
  SourceDeliveryConfig,
} from './source/config.ts';
export { type DiffedList, type DiffedOptions, type DiffedPage, diffed } from './source/diffed.ts';
export {
  type Backend,
  type ChangesFrame,
  ContinuityLost,
  FatalError,
  type Frame,
  type OpenContext,
  type PageFrame,
  type ProgressFrame,
  type RawChange,
  type RawEntry,
  type Settled,
  type SnapshotFrame,
} from './source/frames.ts';
export { fromBackend } from './source/fromBackend.ts';
export { type Fetched, fromPages } from './source/fromPages.ts';
export type { HalfConfig } from './source/halves.ts';
export { type PinnedPage, type PinnedStore, pinned } from './source/pinned.ts';
export { type WindowedStore, windowed } from './source/windowed.ts';
