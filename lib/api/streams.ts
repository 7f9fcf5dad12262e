/** Streams: what a user says, one method an operator. Names are Flink's where the idea is Flink's. */
import { MillraceError } from "../base/error.js";
import type { SlotSharingGroup } from "../graph/resource-profile.js";
import type { OperatorNode, Partitioner } from "../graph/stream-graph.js";
import type { AggregateResult, Aggregates } from "../operators/aggregates.js";
import { coFlatMapLogic, coMapLogic } from "../operators/connected.js";
import type { AnyFunction } from "../operators/contract.js";
import { filterLogic } from "../operators/filter.js";
import { flatMapLogic } from "../operators/flat-map.js";
import type { KeyedDescriptors } from "../operators/keyed-operator.js";
import { mapLogic } from "../operators/map.js";
import type { OperatorDescriptors } from "../operators/operator-state.js";
import type { SideOutput } from "../operators/process-context.js";
import { topRecords } from "../operators/top-n.js";
import type { SinkDefinition } from "../sink/contract.js";
import type { BroadcastDescriptor } from "../state/contract.js";
import type { WindowAssigner } from "../time/windows.js";
import * as added from "./added-operators.js";
import { BroadcastStream } from "./broadcast-stream.js";
import type { GraphBuilder, NewOperator, StreamInput } from "./graph-builder.js";
import type {
  BroadcastProcessFunction,
  CoProcessFunction,
  KeyedCoProcessFunction,
  KeyedProcessFunction,
  NoState,
  ProcessFunction,
} from "./process-functions.js";
import type { Default, Place, RunningOptions, TopOptions } from "./stream-options.js";

/** What streams with and without keys have in common. Immutable: every method answers a new stream. */
export class AnyStream<T> {
  protected readonly env: GraphBuilder;
  /** @internal */
  readonly inputs: readonly StreamInput[];

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

  /** Records of equal keys go to the same subtask. */
  keyBy<K>(key: (record: T) => K): KeyedStream<T, K> {
    return new KeyedStream<T, K>(this.env, this.via("hash", key), key);
  }

  /** Windows over all records, in one subtask; parts are computed on every core first. */
  windowAll(assigner: WindowAssigner): WindowedStream<T, undefined> {
    return new WindowedStream<T, undefined>(this.env, this.via("global"), assigner, undefined);
  }

  /** This stream and others of the same type as one. */
  union(...others: readonly AnyStream<T>[]): DataStream<T> {
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

  /**
   * Every record to every subtask. With a descriptor: to be connected to a keyed stream, which reads the state
   * that these records write.
   * @example tx.keyBy((t) => t.account).connect(rules.broadcast(broadcastState<string, Rule>()))
   */
  broadcast(): DataStream<T>;
  broadcast<BK, BV>(state: BroadcastDescriptor<BK, BV>): BroadcastStream<T, BK, BV>;
  broadcast(state?: BroadcastDescriptor<any, any>): DataStream<T> | BroadcastStream<T, any, any> {
    if (state === undefined) return this.partitioned("broadcast");
    return new BroadcastStream<T, any, any>(this.via("broadcast"), state);
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
    return this.append(added.sink(name, definition));
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

/** A stream of records of type T. */
export class DataStream<T> extends AnyStream<T> {
  /**
   * A free function per record with a context: `ctx.emit`, `ctx.side(output, record)`, `ctx.timestamp`, and
   * operator state where it is declared.
   * @example stream.process("split", { out: type<Order>(), element(o, ctx) { ctx.emit(o); } })
   */
  process<Out = T, S extends OperatorDescriptors = NoState>(
    name: string,
    functions: ProcessFunction<T, Out, S>,
  ): Operator<Out> {
    return this.append(added.process(name, functions));
  }

  /**
   * This stream and another, of another type, as the two inputs of one operator.
   * @example clicks.connect(views).map((click) => click.page, (view) => view.page)
   */
  connect<U>(other: AnyStream<U>): ConnectedStreams<T, U> {
    return new ConnectedStreams<T, U>(this.env, inputsOf(this, other));
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

  /**
   * Operators of different groups never share a slot. Inherited by what follows where all inputs agree. A group may
   * say what each of its slots takes. Throws RESOURCES_INVALID; at build, when a group is given two profiles.
   * @example stream.slotSharingGroup({ name: "heavy", cpu: 1, heapMb: 512 })
   */
  slotSharingGroup(group: string | SlotSharingGroup): this {
    this.env.share(this.node, group);
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
export class KeyedStream<T, K> extends AnyStream<T> {
  private readonly key: (record: T) => K;

  constructor(env: GraphBuilder, inputs: readonly StreamInput[], key: (record: T) => K) {
    super(env, inputs);
    this.key = key;
  }

  /**
   * A free function per record with a context: state and timers of the record's key beside what `process` on
   * other streams is given.
   * @example
   * tx.keyBy((t) => t.account).process("fraud", {
   *   out: type<Alert>(),
   *   state: { small: value<boolean>() },
   *   element(t, ctx) {
   *     if (ctx.state.small.get() && t.amount > 500) ctx.emit({ account: ctx.key, amount: t.amount });
   *     if (t.amount >= 1) return;
   *     ctx.state.small.update(true);
   *     ctx.timers.eventTime(ctx.timestamp + 60_000);
   *   },
   *   timer(time, ctx) { ctx.state.small.clear(); },
   * })
   */
  process<Out = T, S extends KeyedDescriptors = NoState>(
    name: string,
    functions: KeyedProcessFunction<T, K, Out, S>,
  ): Operator<Out> {
    return this.append(added.keyedProcess(name, functions, this.key));
  }

  /**
   * This stream and another of equal keys as the two inputs of one operator, with state in common; or this
   * stream and one that is broadcast, with state that all its keys read.
   * @example orders.keyBy((o) => o.id).connect(payments.keyBy((p) => p.orderId)).process("paid", { ... })
   */
  connect<U>(other: KeyedStream<U, K>): KeyedConnectedStreams<T, U, K>;
  connect<U, BK, BV>(other: BroadcastStream<U, BK, BV>): BroadcastConnectedStream<T, U, K, BK, BV>;
  connect<U>(other: KeyedStream<U, K> | BroadcastStream<U, any, any>): any {
    if (other instanceof BroadcastStream) {
      return new BroadcastConnectedStream(this.env, inputsOf(this, other), other.state, this.key);
    }
    return new KeyedConnectedStreams<T, U, K>(this.env, inputsOf(this, other), [this.key, other.key]);
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
    return this.append(added.runningAggregate(aggregates, this.key, project, options));
  }

  /** Combines the records of a key into one, running: emits the new value for every record. */
  reduce(combine: (left: T, right: T) => T, options?: RunningOptions): Operator<T> {
    return this.append(added.runningReduce(combine, this.key, options));
  }
}

/** Two streams as the inputs of one operator: what is the same with and without keys. */
class TwoStreams<T, U> {
  private readonly env: GraphBuilder;
  private readonly inputs: readonly StreamInput[];

  constructor(env: GraphBuilder, inputs: readonly StreamInput[]) {
    this.env = env;
    this.inputs = inputs;
  }

  /**
   * One record in, one out, of either stream.
   * @example clicks.connect(views).map((click) => click.page, (view) => view.page)
   */
  map<R>(first: (record: T) => R, second: (record: U) => R, name = "map"): Operator<R> {
    return this.append({ kind: "map", name, logic: coMapLogic(first, second) });
  }

  /**
   * One record in, any number out, of either stream.
   * @example orders.connect(refunds).flatMap((order) => order.lines, () => [])
   */
  flatMap<R>(
    first: (record: T) => Iterable<R>,
    second: (record: U) => Iterable<R>,
    name = "flatMap",
  ): Operator<R> {
    return this.append({ kind: "flatMap", name, logic: coFlatMapLogic(first, second) });
  }

  protected append<R>(operator: NewOperator): Operator<R> {
    return new Operator<R>(this.env, this.env.add(operator, this.inputs));
  }
}

/** Two streams as the inputs of one operator. */
export class ConnectedStreams<T, U> extends TwoStreams<T, U> {
  /**
   * A free function per record of either stream.
   * @example
   * clicks.connect(views).process("pages", {
   *   out: type<string>(),
   *   first(click, ctx) { ctx.emit(click.page); },
   *   second(view, ctx) { if (view.ms > 1000) ctx.emit(view.page); },
   * })
   */
  process<Out, S extends OperatorDescriptors = NoState>(
    name: string,
    functions: CoProcessFunction<T, U, Out, S>,
  ): Operator<Out> {
    return this.append(added.coProcess(name, functions));
  }
}

/** Two streams of equal keys as the inputs of one operator, with state and timers in common. */
export class KeyedConnectedStreams<T, U, K> extends TwoStreams<T, U> {
  private readonly keys: readonly [(record: T) => K, (record: U) => K];

  constructor(
    env: GraphBuilder,
    inputs: readonly StreamInput[],
    keys: readonly [(record: T) => K, (record: U) => K],
  ) {
    super(env, inputs);
    this.keys = keys;
  }

  /**
   * A free function per record of either stream, with state and timers of the record's key.
   * @example
   * orders.keyBy((o) => o.id).connect(payments.keyBy((p) => p.orderId)).process("paid", {
   *   out: type<Paid>(),
   *   state: { order: value<Order>() },
   *   first(order, ctx) { ctx.state.order.update(order); },
   *   second(payment, ctx) { ctx.emit({ order: ctx.state.order.get(), payment }); },
   * })
   */
  process<Out, S extends KeyedDescriptors = NoState>(
    name: string,
    functions: KeyedCoProcessFunction<T, U, K, Out, S>,
  ): Operator<Out> {
    return this.append(added.keyedCoProcess(name, functions, this.keys));
  }
}

/** A keyed stream and a broadcast one as the inputs of one operator. */
export class BroadcastConnectedStream<T, U, K, BK, BV> {
  private readonly env: GraphBuilder;
  private readonly inputs: readonly StreamInput[];
  private readonly broadcast: BroadcastDescriptor<BK, BV>;
  private readonly key: (record: T) => K;

  constructor(
    env: GraphBuilder,
    inputs: readonly StreamInput[],
    broadcast: BroadcastDescriptor<BK, BV>,
    key: (record: T) => K,
  ) {
    this.env = env;
    this.inputs = inputs;
    this.broadcast = broadcast;
    this.key = key;
  }

  /**
   * A free function per record of either stream: `broadcastElement` writes `ctx.broadcast`, the keyed functions
   * read it.
   * @example
   * tx.keyBy((t) => t.account).connect(rules.broadcast(broadcastState<string, Rule>())).process("rules", {
   *   out: type<Alert>(),
   *   element(t, ctx) { if (t.amount > (ctx.broadcast.get(t.kind)?.limit ?? 0)) ctx.emit(alertOf(t)); },
   *   broadcastElement(rule, ctx) { ctx.broadcast.set(rule.kind, rule); },
   * })
   */
  process<Out, S extends KeyedDescriptors = NoState>(
    name: string,
    functions: BroadcastProcessFunction<T, U, K, Out, S, BK, BV>,
  ): Operator<Out> {
    const operator = added.broadcastProcess(name, functions, this.key, this.broadcast);
    return new Operator<Out>(this.env, this.env.add(operator, this.inputs));
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
    return this.operator(
      "reduce",
      { value: added.reduction(combine) },
      (result: { value: T }) => result.value,
    );
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
    const operator = added.windowAggregate(name, this.assigner, aggregates, this.key, project);
    return new Operator<R>(this.env, this.env.add(operator, this.inputs));
  }
}

/** The inputs of an operator with two. */
function inputsOf(
  first: { readonly inputs: readonly StreamInput[] },
  second: { readonly inputs: readonly StreamInput[] },
): StreamInput[] {
  return [...first.inputs, ...second.inputs.map((input) => ({ ...input, input: 1 as const }))];
}
