/** The public surface: everything a job and an embedding program import from "millrace". */
export type { AsyncCall, AsyncMapOptions, RetryOptions } from "./api/async-options.js";
export { BroadcastStream } from "./api/broadcast-stream.js";
export { defineJob, type JobDefinition } from "./api/define-job.js";
export type { Environment, SourceOptions } from "./api/environment.js";
export type {
  AsyncMapFunction,
  AsyncMapping,
  Expansion,
  FilterFunction,
  FlatMapFunction,
  MapFunction,
  Mapping,
  Predicate,
} from "./api/function-objects.js";
export {
  type BroadcastProcessFunction,
  type BroadcastReadContext,
  type BroadcastWriteContext,
  type CoProcessFunction,
  type KeyedCoProcessFunction,
  type KeyedProcessFunction,
  type ProcessFunction,
  type ProcessOptions,
  type TypeMark,
  type,
} from "./api/process-functions.js";
export type { BatchOptions, DedupeOptions, ThrottleOptions, TimeOptions } from "./api/queue-functions.js";
export type {
  ByOptions,
  FieldOf,
  IntervalBounds,
  MiniBatchOptions,
  RecordOptions,
  RunningOptions,
  TopOptions,
} from "./api/stream-options.js";
export {
  AnyStream,
  BroadcastConnectedStream,
  CoGroupedStreams,
  ConnectedStreams,
  DataStream,
  JoinedStreams,
  KeyedConnectedStreams,
  KeyedStream,
  Operator,
  WindowedStream,
} from "./api/streams.js";
export type { WindowContext, WindowFunction, WindowOptions } from "./api/window-functions.js";
export type { Duration } from "./base/duration.js";
export { MillraceError } from "./base/error.js";
export type { ErrorCode } from "./base/error-catalogue.js";
export type { RestartOptions } from "./checkpoint/restart-strategy.js";
export type {
  CheckpointRecord,
  CheckpointsOverview,
  SubtaskStatistics,
  VertexStatistics,
} from "./checkpoint/statistics.js";
export { blackholeSink } from "./connectors/blackhole/sink.js";
export { collectSink } from "./connectors/collect/sink.js";
export { type DatagenOptions, datagenSource } from "./connectors/datagen/source.js";
export { type Digest, RowDigest } from "./connectors/digest/row-digest.js";
export { digestSink } from "./connectors/digest/sink.js";
export { bucketByTime } from "./connectors/file/bucket.js";
export type { FileEnd } from "./connectors/file/enumerator.js";
export { type FileSinkOptions, fileSink } from "./connectors/file/sink.js";
export { type FileSourceOptions, fileSource, type MonitorOptions } from "./connectors/file/source.js";
export type { ChainedSource, FirstSource, NextSource, SourceFactory } from "./connectors/hybrid/chain.js";
export { hybridSource } from "./connectors/hybrid/source.js";
export type { HybridSplit } from "./connectors/hybrid/switching.js";
export {
  type IterableContext,
  type IterableFactory,
  type IterableOptions,
  iterableSource,
  type Positioned,
  type PositionedContext,
  type PositionedFactory,
} from "./connectors/iterable/source.js";
export type { Auction, Bid, NexmarkEvent, Person } from "./connectors/nexmark/records.js";
export { type NexmarkOptions, nexmarkSource } from "./connectors/nexmark/source.js";
export { type PrintOptions, printSink } from "./connectors/print/sink.js";
export type { CheckpointOptions } from "./coordinator/checkpoint-settings.js";
export type { Rescaled, Rescaling } from "./coordinator/job-scaling.js";
export type { ReactiveOptions } from "./coordinator/scaling-settings.js";
export type { Recovery, RunOptions } from "./engine.js";
export type { DebloatOptions } from "./exchange/debloat-settings.js";
export { type AvroCodec, type AvroOptions, type AvroSchema, avro } from "./formats/avro.js";
export { type CsvOptions, type CsvType, csv } from "./formats/csv.js";
export { jsonl } from "./formats/jsonl.js";
export { type ParquetOptions, parquet } from "./formats/parquet.js";
export { text } from "./formats/text.js";
export type { SlotSharingGroup } from "./graph/resource-profile.js";
export type { ResourceOptions } from "./host/machine.js";
export type { Job, JobProgress, JobResult, SubtaskMetrics } from "./job.js";
export type { FunctionMetrics, MetricCounter, MetricHistogram } from "./metrics/function-metrics.js";
export type { Spread } from "./metrics/histogram.js";
export type { Latency } from "./metrics/latencies.js";
export type { RoundTimes } from "./metrics/round-times.js";
export {
  type Aggregate,
  type Aggregates,
  avg,
  type CustomAggregate,
  count,
  custom,
  max,
  min,
  sum,
} from "./operators/aggregates.js";
export {
  type DeadLetter,
  type DeadLetters,
  deadLetter,
  type ErrorPolicy,
} from "./operators/error-policy.js";
export {
  type Evictor,
  type EvictorContext,
  type EvictorOptions,
  evictors,
  type Stamped,
} from "./operators/evictors.js";
export type { FunctionContext, FunctionLifecycle } from "./operators/function-context.js";
export {
  type Accumulation,
  type Accumulator,
  accumulators,
  type LocalAccumulator,
} from "./operators/job-accumulators.js";
export {
  type KeyedProcessContext,
  type ProcessContext,
  type ReadonlyMapState,
  type SideOutput,
  type StateOf,
  sideOutput,
  type TimerRegistry,
} from "./operators/process-context.js";
export type { TimeoutOptions } from "./operators/timeout-trigger.js";
export type { Trigger, TriggerContext, TriggerResult } from "./operators/trigger.js";
export { triggers } from "./operators/triggers.js";
export type { AssignerContext, OwnWindows, WindowAssigner } from "./operators/window-assigner.js";
export { explain, openSession, run, type Session } from "./run.js";
export type {
  Committable,
  CommitterContext,
  SinkCommitter,
  SinkDefinition,
  SinkWriter,
  WriterContext,
} from "./sink/contract.js";
export type {
  SourceDefinition,
  SourcePosition,
  SourceReader,
  Split,
  SplitEnumerator,
} from "./source/contract.js";
export type {
  AppendingState,
  BackendContext,
  EntrySink,
  FrozenPart,
  KeyedState,
  ListState,
  MapState,
  StateBackend,
  StatePart,
  StateParts,
  ValueState,
} from "./state/contract.js";
export {
  aggregating,
  broadcastState,
  type KeyedDescriptor,
  list,
  listState,
  map,
  type OperatorStateDescriptor,
  reducing,
  type StateAggregate,
  type StateHandle,
  type StateSettings,
  unionListState,
  value,
} from "./state/descriptors.js";
export type { BlobStore, PutOptions } from "./storage/contract.js";
export {
  type AlignmentOptions,
  type PeriodicGenerator,
  type PeriodicOptions,
  type Timestamp,
  type WatermarkOptions,
  type WatermarkStrategy,
  watermarks,
} from "./time/watermarks.js";
export {
  type AlignedOptions,
  type AlignedWindows,
  type GlobalWindows,
  globalWindows,
  type SessionWindows,
  session,
  sliding,
  tumbling,
  type Window,
  type WindowTime,
} from "./time/windows.js";
