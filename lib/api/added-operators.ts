/** The operators that the methods of streams add to the graph. */
import { durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import { type Aggregate, type Aggregates, custom } from "../operators/aggregates.js";
import { assignTimestampsLogic } from "../operators/assign-timestamps.js";
import { asyncMapLogic } from "../operators/async-map.js";
import { broadcastProcessLogic } from "../operators/broadcast-process.js";
import { coProcessLogic } from "../operators/connected.js";
import type { AnyFunction } from "../operators/contract.js";
import { checkPolicy, type ErrorPolicy } from "../operators/error-policy.js";
import { filterLogic } from "../operators/filter.js";
import { flatMapLogic } from "../operators/flat-map.js";
import { intervalJoinLogic } from "../operators/interval-join.js";
import { keyedCoProcessLogic } from "../operators/keyed-co-process.js";
import { keyedProcessLogic } from "../operators/keyed-process.js";
import { mapLogic } from "../operators/map.js";
import { processLogic } from "../operators/process.js";
import { projectLogic } from "../operators/project.js";
import { runningLogic } from "../operators/running-aggregate.js";
import { type FieldAggregate, fieldCombine } from "../operators/running-fields.js";
import { sinkLogic } from "../operators/sink.js";
import type { UserFunction } from "../operators/user-function.js";
import type { SinkDefinition } from "../sink/contract.js";
import type { BroadcastDescriptor } from "../state/contract.js";
import type { WatermarkStrategy } from "../time/watermarks.js";
import { type AsyncMapOptions, asyncMapSpec } from "./async-options.js";
import type { NewOperator } from "./graph-builder.js";
import type {
  BroadcastProcessFunction,
  CoProcessFunction,
  KeyedCoProcessFunction,
  KeyedProcessFunction,
  ProcessFunction,
} from "./process-functions.js";
import type { IntervalBounds, RecordOptions, RunningOptions } from "./stream-options.js";

export function process(name: string, functions: ProcessFunction<any, any, any>): NewOperator {
  const { state, onError } = functions;
  return {
    kind: "process",
    name,
    ...policyOf(onError, stateConfig(state)),
    logic: processLogic(functions, state, onError),
  };
}

export function map(transform: UserFunction, options: string | RecordOptions = {}): NewOperator {
  const { name = "map", onError } = recordOptions(options);
  return { kind: "map", name, ...policyOf(onError), logic: mapLogic(transform, onError) };
}

export function filter(predicate: UserFunction, options: string | RecordOptions = {}): NewOperator {
  const { name = "filter", onError } = recordOptions(options);
  return { kind: "filter", name, ...policyOf(onError), logic: filterLogic(predicate, onError) };
}

export function flatMap(expand: UserFunction, options: string | RecordOptions = {}): NewOperator {
  const { name = "flatMap", onError } = recordOptions(options);
  return { kind: "flatMap", name, ...policyOf(onError), logic: flatMapLogic(expand, onError) };
}

function recordOptions(options: string | RecordOptions): RecordOptions {
  return typeof options === "string" ? { name: options } : options;
}

export function keyedProcess(
  name: string,
  functions: KeyedProcessFunction<any, any, any, any>,
  key: AnyFunction,
): NewOperator {
  const { state = {}, onError } = functions;
  const logic = keyedProcessLogic({ key, state, functions, onError });
  return { kind: "process", name, ...policyOf(onError, stateConfig(state)), logic };
}

export function coProcess(name: string, functions: CoProcessFunction<any, any, any, any>): NewOperator {
  const { state, onError } = functions;
  const logic = coProcessLogic(functions, state, onError);
  return { kind: "process", name, ...policyOf(onError, stateConfig(state)), logic };
}

export function keyedCoProcess(
  name: string,
  functions: KeyedCoProcessFunction<any, any, any, any, any>,
  keys: readonly [AnyFunction, AnyFunction],
): NewOperator {
  const { state = {}, onError } = functions;
  const logic = keyedCoProcessLogic({ keys, state, functions, onError });
  return { kind: "process", name, ...policyOf(onError, stateConfig(state)), logic };
}

export function asyncMap(request: UserFunction, options: AsyncMapOptions): NewOperator {
  const spec = asyncMapSpec(request, options);
  const { ordered, capacity, timeoutMs, onError } = spec;
  return {
    kind: "async-map",
    name: options.name ?? "asyncMap",
    ...policyOf(onError, { ordered, capacity, timeoutMs }),
    logic: asyncMapLogic(spec),
  };
}

/** What plans and the graph need to know of a policy. */
function policyOf(
  onError: ErrorPolicy | undefined,
  config: Readonly<Record<string, unknown>> = {},
): Pick<NewOperator, "config" | "deadLetters"> {
  checkPolicy(onError);
  if (onError === undefined) return { config };
  if (typeof onError === "string") return { config: { ...config, onError } };
  return { config: { ...config, onError: `dead letters "${onError.name}"` }, deadLetters: onError.name };
}

export function assignTimestamps(strategy: WatermarkStrategy<any>): NewOperator {
  const { generation, idlenessMs, alignment } = strategy;
  if (idlenessMs > 0 || alignment !== undefined) {
    throw new MillraceError("OPTION_INVALID", `${idlenessMs > 0 ? "idleness" : "alignment"} in mid-stream`, {
      hint: "Give it to the watermarks of the source: only there it is known which splits are behind.",
    });
  }
  const { kind: watermarks, ...rest } = generation;
  const lag = "outOfOrdernessMs" in rest ? { outOfOrdernessMs: rest.outOfOrdernessMs } : {};
  return {
    kind: "timestamps",
    name: "timestamps",
    config: { watermarks, ...lag },
    logic: assignTimestampsLogic(strategy),
  };
}

export function intervalJoin(
  name: string,
  bounds: IntervalBounds,
  keys: readonly [AnyFunction, AnyFunction],
  join: AnyFunction,
): NewOperator {
  const lower = durationMs(bounds.lower, "lower bound") + (bounds.lowerExclusive === true ? 1 : 0);
  const upper = durationMs(bounds.upper, "upper bound") - (bounds.upperExclusive === true ? 1 : 0);
  const logic = intervalJoinLogic({ keys, join, lower, upper });
  return { kind: "interval-join", name, config: { lower, upper }, logic };
}

export function broadcastProcess(
  name: string,
  functions: BroadcastProcessFunction<any, any, any, any, any, any, any>,
  key: AnyFunction,
  broadcast: BroadcastDescriptor<any, any>,
): NewOperator {
  const { state = {}, onError } = functions;
  const logic = broadcastProcessLogic({ key, state, broadcast, functions, onError });
  return { kind: "process", name, ...policyOf(onError, stateConfig({ ...state, broadcast })), logic };
}

export function sink(name: string, definition: SinkDefinition<any>): NewOperator {
  return {
    kind: "sink",
    name,
    config: { sink: definition.kind, ...definition.description },
    ...(definition.parallelismMax === 1 ? { parallelism: 1 } : {}),
    logic: sinkLogic(definition as SinkDefinition),
  };
}

export function runningAggregate(
  aggregates: Aggregates<any>,
  key: AnyFunction,
  project: AnyFunction | undefined,
  options: RunningOptions | undefined,
): NewOperator {
  return {
    kind: "aggregate",
    config: {
      aggregates: kinds(aggregates),
      ...(options?.miniBatch ? { miniBatch: options.miniBatch } : {}),
    },
    logic: runningLogic({ aggregates, key, project, miniBatch: miniBatchOf(options) }),
  };
}

export function runningReduce<T>(
  combine: (left: T, right: T) => T,
  key: AnyFunction,
  options: RunningOptions | undefined,
): NewOperator {
  const logic = runningLogic({
    aggregates: { value: reduction(combine) },
    key,
    project: (result: { value: T }) => result.value,
    miniBatch: miniBatchOf(options),
  });
  return { kind: "reduce", logic };
}

export function runningField(
  kind: FieldAggregate,
  field: string,
  key: AnyFunction,
  ties: "first" | "last" | undefined,
  options: RunningOptions | undefined,
): NewOperator {
  const { logic } = runningReduce(fieldCombine(kind, field, ties), key, options);
  return {
    kind: "reduce",
    name: `${kind} ${field}`,
    config: { [kind]: field, ...(ties && { ties }) },
    logic,
  };
}

export function project(fields: readonly string[]): NewOperator {
  return { kind: "project", config: { fields }, logic: projectLogic(fields) };
}

/** `reduce` as an aggregate. */
export function reduction<T>(combine: (left: T, right: T) => T): Aggregate<T, T> {
  return custom<T, T | undefined, T>({
    create: () => undefined,
    add: (accumulator, record) => (accumulator === undefined ? record : combine(accumulator, record)),
    merge: (left, right) => (left === undefined ? right : right === undefined ? left : combine(left, right)),
    result: (accumulator) => accumulator as T,
  });
}

/** Declared state, for plans: names and kinds. */
export function stateConfig(
  state: Readonly<Record<string, { readonly kind: string }>> = {},
): Record<string, unknown> {
  const names = Object.entries(state).map(([name, { kind }]) => [name, kind]);
  return names.length === 0 ? {} : { state: Object.fromEntries(names) };
}

/** Aggregates in plans: names and kinds. */
export function kinds(aggregates: Aggregates<any>): Record<string, string> {
  return Object.fromEntries(Object.entries(aggregates).map(([name, { kind }]) => [name, kind]));
}

function miniBatchOf(options: RunningOptions | undefined): { size: number; latencyMs: number } | undefined {
  if (options?.miniBatch === undefined || options.miniBatch === false) return undefined;
  const given = options.miniBatch === true ? {} : options.miniBatch;
  return { size: given.size ?? 50_000, latencyMs: durationMs(given.latency ?? "1s", "mini-batch latency") };
}
