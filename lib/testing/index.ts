export type { ConsumerOutcome } from '../operators/orderedResync.ts';
export { describeBroker } from './conformance/broker/describeBroker.ts';
export type { BrokerMade, BrokerSubject, PublishedSource } from './conformance/broker/subject.ts';
export { type DescribeOptions, describeSource } from './conformance/describeSource.ts';
export type {
  Ability,
  Awaitable,
  ConformanceConfig,
  ConformanceReport,
  DeclareTest,
  SourceStage,
  SourceSubject,
  StoreFault,
  TestRunner,
} from './conformance/subject.ts';
export { type Fault, type Faults, faults } from './faults.ts';
export { type FrameMakers, frames } from './frames.ts';
export { History, type HistoryOptions } from './history.ts';
export {
  type MatchOptions,
  type Notation,
  type NotationExpectation,
  type NotationValue,
  notation,
} from './notation.ts';
export { type Recording, type RecordOptions, recordHistory } from './recordHistory.ts';
export { recordStore } from './recordStore.ts';
export { recordUpstream, type UpstreamOptions } from './recordUpstream.ts';
export {
  type ColdMarbles,
  type ExpectEvents,
  type HotMarbles,
  type MarbleHelpers,
  type MarbleValues,
  runMarbles,
} from './runMarbles.ts';
export {
  type ScriptedBackend,
  type ScriptedConnection,
  type ScriptedOptions,
  scriptedBackend,
} from './scriptedBackend.ts';
export {
  type DeclaredConsumer,
  type EventBody,
  type Fact,
  type Place,
  type PlaceOptions,
  type Standing,
  type Step,
  type StepBody,
  type StepOf,
  type UpstreamBody,
  undecodable,
  type Write,
} from './steps.ts';
export { type Inspection, type Invariant, inspect, type Violation, validate } from './validate.ts';
export { type VirtualTime, virtually } from './virtually.ts';
