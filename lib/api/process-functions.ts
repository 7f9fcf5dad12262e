/** The function objects that `process` takes, on streams with and without keys, alone and connected. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ErrorPolicy } from "../operators/error-policy.js";
import type { FunctionLifecycle } from "../operators/function-context.js";
import type { KeyedDescriptors } from "../operators/keyed-operator.js";
import type { OperatorDescriptors } from "../operators/operator-state.js";
import type { KeyedProcessContext, ProcessContext, ReadonlyMapState } from "../operators/process-context.js";
import type { MapState } from "../state/contract.js";

/** A type for the compiler only: `process("x", { out: type<Alert>(), ... })`. */
export interface TypeMark<T> {
  readonly recordType?: T;
}

/**
 * Names the type of what `ctx.emit` is given, which TypeScript cannot infer.
 * @example stream.process("texts", { out: type<string>(), element(n, ctx) { ctx.emit(`${n}`); } })
 */
export function type<T>(): TypeMark<T> {
  return {};
}

/** No state is declared. */
export type NoState = Record<never, never>;

/** What all `process` calls take: an object of functions, which may be an instance of a class. */
export interface ProcessOptions<Out, S> extends FunctionLifecycle {
  /** The type of what `ctx.emit` is given: `type<Alert>()`, or a Standard Schema for its type (nothing is checked). */
  readonly out?: TypeMark<Out> | StandardSchemaV1<any, Out>;
  /** State by name, as descriptors; `ctx.state` has a handle for each. */
  readonly state?: S;
}

/** What `process` takes on a stream without keys. */
export interface ProcessFunction<T, Out, S extends OperatorDescriptors = NoState>
  extends ProcessOptions<Out, S> {
  element(record: T, ctx: ProcessContext<Out, S>): void;
  /** What becomes of a record on which `element` throws; default: the job fails. */
  readonly onError?: ErrorPolicy;
}

/** What `process` takes on a keyed stream. */
export interface KeyedProcessFunction<T, K, Out, S extends KeyedDescriptors = NoState>
  extends ProcessOptions<Out, S> {
  element(record: T, ctx: KeyedProcessContext<K, Out, S>): void;
  /** What becomes of a record on which `element` throws; default: the job fails. */
  readonly onError?: ErrorPolicy;
  /** A timer registered by `ctx.timers` fires; `ctx.key` is its key and `ctx.timestamp` its time. */
  timer?(time: number, ctx: KeyedProcessContext<K, Out, S>): void;
}

/** What `process` takes on two connected streams without keys. */
export interface CoProcessFunction<T, U, Out, S extends OperatorDescriptors = NoState>
  extends ProcessOptions<Out, S> {
  first(record: T, ctx: ProcessContext<Out, S>): void;
  second(record: U, ctx: ProcessContext<Out, S>): void;
  /** What becomes of a record on which `first` or `second` throws; default: the job fails. */
  readonly onError?: ErrorPolicy;
}

/** What `process` takes on two connected streams of equal keys: both functions see the same state. */
export interface KeyedCoProcessFunction<T, U, K, Out, S extends KeyedDescriptors = NoState>
  extends ProcessOptions<Out, S> {
  first(record: T, ctx: KeyedProcessContext<K, Out, S>): void;
  second(record: U, ctx: KeyedProcessContext<K, Out, S>): void;
  /** What becomes of a record on which `first` or `second` throws; default: the job fails. */
  readonly onError?: ErrorPolicy;
  timer?(time: number, ctx: KeyedProcessContext<K, Out, S>): void;
}

/** The context of keyed functions beside a broadcast stream: its state, to read. */
export interface BroadcastReadContext<K, Out, S, BK, BV> extends KeyedProcessContext<K, Out, S> {
  readonly broadcast: ReadonlyMapState<BK, BV>;
}

/** The context of `broadcastElement`: no key in hand, and the broadcast state may be written. */
export interface BroadcastWriteContext<Out, BK, BV> extends Omit<ProcessContext<Out>, "state"> {
  readonly broadcast: MapState<BK, BV>;
}

/** What `process` takes on a keyed stream connected with a broadcast one. */
export interface BroadcastProcessFunction<T, U, K, Out, S extends KeyedDescriptors, BK, BV>
  extends ProcessOptions<Out, S> {
  element(record: T, ctx: BroadcastReadContext<K, Out, S, BK, BV>): void;
  /** Called in every subtask with every broadcast record: must change `ctx.broadcast` in the same way in each. */
  broadcastElement(record: U, ctx: BroadcastWriteContext<Out, BK, BV>): void;
  /**
   * What becomes of a record on which `element` throws, or `broadcastElement`: of the latter, there is a dead letter of
   * each subtask. Default: the job fails.
   */
  readonly onError?: ErrorPolicy;
  timer?(time: number, ctx: BroadcastReadContext<K, Out, S, BK, BV>): void;
}
