/** Streams: what a user says, one method an operator. Names are Flink's where the idea is Flink's. */
import { durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { OperatorNode, Partitioner } from "../graph/stream-graph.js";
import { type Aggregate, type AggregateResult, type Aggregates, custom } from "../operators/aggregates.js";
import type { AnyFunction } from "../operators/contract.js";
import { filterLogic } from "../operators/filter.js";
import { flatMapLogic } from "../operators/flat-map.js";
import { mapLogic } from "../operators/map.js";
import { processLogic, type SideOutput } from "../operators/process.js";
import { runningLogic } from "../operators/running-aggregate.js";
import { sinkLogic } from "../operators/sink.js";
import { topRecords } from "../operators/top-n.js";
import { windowLogic } from "../operators/window-aggregate.js";
import type { SinkDefinition } from "../sink/contract.js";
import type { WindowAssigner } from "../time/windows.js";
import type { GraphBuilder, NewOperator, StreamInput } from "./graph-builder.js";
import type {
  Default,
  Place,
  ProcessFunction,
  RunningOptions,
  TopOptions,
  TypeMark,
} from "./stream-options.js";

/** A stream of records of type T. Immutable: every method answers a new stream. */
export class DataStream<T> {
  protected readonly env: GraphBuilder;
  protected readonly inputs: readonly StreamInput[];

  constructor(env: GraphBuilder, inputs: readonly StreamInput[]) {
    this.env = env;
    this.inputs = inputs;
  }

  /** One record in, one out. */
  map<R>(transform: (record: T) => R, name = "map"): Operator<R> {
    return this.append({ kind: "map", name, logic: mapLogic(transform) });
  }

  /** Keeps the records for which the predicate holds; a type guard narrows the stream. */
  filter<S extends T>(predicate: (record: T) => record is S, name?: string): Operator<S>;
  filter(predicate: (record: T) => boolean, name?: string): Operator<T>;
  filter(predicate: (record: T) => boolean, name = "filter"): Operator<T> {
    return this.append({ kind: "filter", name, logic: filterLogic(predicate) });
  }

  /** One record in, any number out: an array, a generator or another iterable. */
  flatMap<R>(expand: (record: T) => Iterable<R>, name = "flatMap"): Operator<R> {
    return this.append({ kind: "flatMap", name, logic: flatMapLogic(expand) });
  }

  /**
   * A free function per record with a context: `ctx.emit`, `ctx.side(output, record)`, `ctx.timestamp`.
   * @example stream.process("split", { out: type<Order>(), element(o, ctx) { ctx.emit(o); } })
   */
  process<Out = T>(
    name: string,
    functions: ProcessFunction<T, Out> & { out?: TypeMark<Out> },
  ): Operator<Out> {
    return this.append({
      kind: "process",
      name,
      logic: processLogic(functions as ProcessFunction<any, any>),
    });
  }

  /** Records of equal keys go to the same subtask. */
  keyBy<K>(key: (record: T) => K): KeyedStream<T, K> {
    return new KeyedStream<T, K>(this.env, this.via("hash", key), key);
  }

  /** Windows over all records, in one subtask; parts are computed on every core first. */
  windowAll(assigner: WindowAssigner): WindowedStream<T, undefined> {
    return new WindowedStream<T, undefined>(this.env, this.via("global"), assigner, undefined);
  }

  /** This stream and others of the same type as one. */
  union(...others: readonly DataStream<T>[]): DataStream<T> {
    return new DataStream<T>(this.env, [...this.inputs, ...others.flatMap((other) => other.inputs)]);
  }

  /** To all subtasks in turn. */
  rebalance(): DataStream<T> {
    return this.partitioned("rebalance");
  }

  /** In turn to the subtasks nearest to each upstream subtask. */
  rescale(): DataStream<T> {
    return this.partitioned("rescale");
  }

  /** To a random subtask (seeded). */
  shuffle(): DataStream<T> {
    return this.partitioned("shuffle");
  }

  /** Every record to every subtask. */
  broadcast(): DataStream<T> {
    return this.partitioned("broadcast");
  }

  /** To the same subtask of the next operator; needs equal parallelism. */
  forward(): DataStream<T> {
    return this.partitioned("forward");
  }

  /** Everything to the first subtask. */
  global(): DataStream<T> {
    return this.partitioned("global");
  }

  /** To the subtask that the function chooses, from 0 to `channels` - 1. */
  partitionCustom(choose: (record: T, channels: number) => number): DataStream<T> {
    return new DataStream<T>(this.env, this.via("custom", choose));
  }

  /** Ends the stream in a sink under a name of its own. */
  sink(name: string, definition: SinkDefinition<T>): Operator<never> {
    return this.append({
      kind: "sink",
      name,
      config: { sink: definition.kind, ...definition.description },
      ...(definition.parallelismMax === 1 ? { parallelism: 1 } : {}),
      logic: sinkLogic(definition as SinkDefinition),
    });
  }

  /** @internal */
  append<R>(operator: NewOperator): Operator<R> {
    return new Operator<R>(this.env, this.env.add(operator, this.inputs));
  }

  private partitioned(partitioner: Partitioner): DataStream<T> {
    return new DataStream<T>(this.env, this.via(partitioner));
  }

  private via(partitioner: Partitioner, selector?: AnyFunction): StreamInput[] {
    return this.inputs.map(({ node, side }) => ({
      node,
      partitioner,
      ...(side === undefined ? {} : { side }),
      ...(selector === undefined ? {} : { selector }),
    }));
  }
}

/** The output of an operator, with the operator's own settings. */
export class Operator<T> extends DataStream<T> {
  private readonly node: OperatorNode;

  constructor(env: GraphBuilder, node: OperatorNode) {
    super(env, [{ node }]);
    this.node = node;
  }

  /** A stable identity: what ties saved state to the operator when the program changes. */
  uid(uid: string): this {
    this.env.rename(this.node, uid);
    return this;
  }

  /** What plans, metrics and errors call it. */
  name(name: string): this {
    this.node.name = name;
    return this;
  }

  setParallelism(parallelism: number): this {
    if (!Number.isInteger(parallelism) || parallelism < 1) {
      throw new MillraceError("PARALLELISM_INVALID", `parallelism of "${this.node.name}" is ${parallelism}`);
    }
    this.node.parallelism = parallelism;
    return this;
  }

  /** The number of key groups: the most this operator can ever be scaled to. */
  setMaxParallelism(maxParallelism: number): this {
    this.node.maxParallelism = maxParallelism;
    return this;
  }

  /** Operators of different groups never share a slot. Inherited by what follows. */
  slotSharingGroup(group: string): this {
    this.node.slotSharingGroup = group;
    return this;
  }

  /** Never fuse this operator with its neighbours. */
  disableChaining(): this {
    this.node.chaining = "never";
    return this;
  }

  /** Start a new chain here: not fused with what comes before. */
  startNewChain(): this {
    this.node.chaining = "head";
    return this;
  }

  /** A side output of `process`. */
  side<S>(output: SideOutput<S>): DataStream<S> {
    return new DataStream<S>(this.env, [{ node: this.node, side: output.name }]);
  }
}

/** A stream whose records of equal keys are in the same subtask. */
export class KeyedStream<T, K> extends DataStream<T> {
  private readonly key: (record: T) => K;

  constructor(env: GraphBuilder, inputs: readonly StreamInput[], key: (record: T) => K) {
    super(env, inputs);
    this.key = key;
  }

  /** Event-time windows per key. */
  window(assigner: WindowAssigner): WindowedStream<T, K> {
    return new WindowedStream<T, K>(this.env, this.inputs, assigner, this.key);
  }

  /** Aggregates over all records of a key so far; emits the new result for every record, or per mini-batch. */
  aggregate<A extends Aggregates<T>>(
    aggregates: A,
    options?: RunningOptions,
  ): Operator<{ key: K } & AggregateResult<A>>;
  aggregate<A extends Aggregates<T>, R>(
    aggregates: A,
    project: (result: AggregateResult<A>, place: { key: K }) => R,
    options?: RunningOptions,
  ): Operator<R>;
  aggregate(
    aggregates: Aggregates<T>,
    second?: RunningOptions | ((result: any, place: { key: K }) => unknown),
    third?: RunningOptions,
  ): Operator<any> {
    const project = typeof second === "function" ? second : undefined;
    const options = typeof second === "function" ? third : second;
    return this.append({
      kind: "aggregate",
      config: {
        aggregates: kinds(aggregates),
        ...(options?.miniBatch ? { miniBatch: options.miniBatch } : {}),
      },
      logic: runningLogic({ aggregates, key: this.key, project, miniBatch: miniBatchOf(options) }),
    });
  }

  /** Combines the records of a key into one, running: emits the new value for every record. */
  reduce(combine: (left: T, right: T) => T, options?: RunningOptions): Operator<T> {
    return this.append({
      kind: "reduce",
      logic: runningLogic({
        aggregates: { value: reduction(combine) },
        key: this.key,
        project: (result: { value: T }) => result.value,
        miniBatch: miniBatchOf(options),
      }),
    });
  }
}

/** A stream cut into event-time windows. Results are stamped with the window's end - 1. */
export class WindowedStream<T, K> {
  private readonly env: GraphBuilder;
  private readonly inputs: readonly StreamInput[];
  private readonly assigner: WindowAssigner;
  private readonly key: ((record: T) => K) | undefined;

  constructor(
    env: GraphBuilder,
    inputs: readonly StreamInput[],
    assigner: WindowAssigner,
    key: ((record: T) => K) | undefined,
  ) {
    this.env = env;
    this.inputs = inputs;
    this.assigner = assigner;
    this.key = key;
  }

  /** Named aggregates per window, optionally made into a record of one's own. */
  aggregate<A extends Aggregates<T>>(aggregates: A): Operator<Default<K> & AggregateResult<A>>;
  aggregate<A extends Aggregates<T>, R>(
    aggregates: A,
    project: (result: AggregateResult<A>, place: Place<K>) => R,
  ): Operator<R>;
  aggregate(aggregates: Aggregates<T>, project?: (result: any, place: any) => unknown): Operator<any> {
    return this.operator("aggregate", aggregates, project);
  }

  /** Combines the records of a window into one. */
  reduce(combine: (left: T, right: T) => T): Operator<T> {
    return this.operator("reduce", { value: reduction(combine) }, (result: { value: T }) => result.value);
  }

  /** The `n` records with the highest `by` of each window (and key), best first. */
  topN(n: number, options: TopOptions<T>): Operator<T>;
  topN<R>(
    n: number,
    options: TopOptions<T>,
    project: (record: T, rank: number, place: Place<K>) => R,
  ): Operator<R>;
  topN(
    n: number,
    options: TopOptions<T>,
    project?: (record: T, rank: number, place: any) => unknown,
  ): Operator<any> {
    const top = topRecords(n, options.by, options.ties);
    const ranked = this.operator<unknown[]>("top", { top }, (result: { top: T[] }, place: unknown) =>
      project === undefined ? result.top : result.top.map((record, i) => project(record, i + 1, place)),
    );
    return ranked.append({ kind: "flatMap", name: "ranks", logic: flatMapLogic((rows: unknown[]) => rows) });
  }

  private operator<R>(
    name: string,
    aggregates: Aggregates<T>,
    project: ((...given: any[]) => R) | undefined,
  ) {
    const node = this.env.add(
      {
        kind: "window",
        name,
        config: { window: this.assigner, aggregates: kinds(aggregates) },
        ...(this.key === undefined ? { parallelism: 1 } : {}),
        logic: windowLogic({ assigner: this.assigner, aggregates, key: this.key, project }),
      },
      this.inputs,
    );
    return new Operator<R>(this.env, node);
  }
}

function kinds(aggregates: Aggregates<any>): Record<string, string> {
  return Object.fromEntries(Object.entries(aggregates).map(([name, { kind }]) => [name, kind]));
}

function miniBatchOf(options: RunningOptions | undefined): { size: number; latencyMs: number } | undefined {
  if (options?.miniBatch === undefined || options.miniBatch === false) return undefined;
  const given = options.miniBatch === true ? {} : options.miniBatch;
  return { size: given.size ?? 50_000, latencyMs: durationMs(given.latency ?? "1s", "mini-batch latency") };
}

/** `reduce` as an aggregate. */
function reduction<T>(combine: (left: T, right: T) => T): Aggregate<T, T> {
  return custom<T, T | undefined, T>({
    create: () => undefined,
    add: (accumulator, record) => (accumulator === undefined ? record : combine(accumulator, record)),
    merge: (left, right) => (left === undefined ? right : right === undefined ? left : combine(left, right)),
    result: (accumulator) => accumulator as T,
  });
}
