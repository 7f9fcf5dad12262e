/** Streams: what a user says, one method an operator. Names are Flink's where the idea is Flink's. */
import type { Duration } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { SlotSharingGroup } from "../graph/resource-profile.js";
import type { OperatorNode, Partitioner } from "../graph/stream-graph.js";
import type { AggregateResult, Aggregates } from "../operators/aggregates.js";
import type { AnyFunction } from "../operators/contract.js";
import type { KeyedDescriptors } from "../operators/keyed-operator.js";
import type { OperatorDescriptors } from "../operators/operator-state.js";
import type { SideOutput } from "../operators/process-context.js";
import type { WindowAssigner } from "../operators/window-assigner.js";
import type { SinkDefinition } from "../sink/contract.js";
import type { BroadcastDescriptor } from "../state/contract.js";
import { globalWindows } from "../time/windows.js";
import * as added from "./added-operators.js";
import { BroadcastStream } from "./broadcast-stream.js";
import { BroadcastConnectedInputs, ConnectedInputs, KeyedConnectedInputs } from "./connected-streams.js";
import type { GraphBuilder, NewOperator, StreamInput } from "./graph-builder.js";
import { PairedInputs, PairedKeys } from "./joined-streams.js";
import type { KeyedProcessFunction, NoState, ProcessFunction } from "./process-functions.js";
import {
  type BatchOptions,
  batchFunctions,
  type DedupeOptions,
  debounceFunctions,
  dedupeFunctions,
  distinct,
  type ThrottleOptions,
  type TimeOptions,
  throttleFunctions,
} from "./queue-functions.js";
import { RecordMethods } from "./record-methods.js";
import type { ByOptions, FieldOf, IntervalBounds, RunningOptions } from "./stream-options.js";
import { type OutputKind, StreamSite } from "./stream-site.js";
import { countOptions, type WindowOptions } from "./window-functions.js";
import { Windows } from "./windowed-stream.js";

/** What streams with and without keys have in common. Immutable: every method answers a new stream. */
export class AnyStream<T> extends RecordMethods<T, OperatorOutput, StreamOutput> {
  /** @internal */
  readonly env: GraphBuilder;
  /** @internal */
  readonly inputs: readonly StreamInput[];

  constructor(env: GraphBuilder, inputs: readonly StreamInput[]) {
    super();
    this.env = env;
    this.inputs = inputs;
  }

  /** Flink's loops of streams: always refused with GRAPH_CYCLE, which says what to use in their place. */
  iterate(): never {
    throw new MillraceError("GRAPH_CYCLE", "iterate() would make a stream its own input");
  }

  /**
   * Records of equal keys go to the same subtask. A key is text, a number (-0 is 0, NaN is NaN), a boolean, a bigint, a
   * Date, null, undefined, or a plain object or array of these, equal by what it holds; KEY_INVALID for all else.
   */
  keyBy<K>(key: (record: T) => K): KeyedStream<T, K> {
    return new KeyedStream<T, K>(this.env, this.via("hash", key), key);
  }

  /**
   * Windows over all records, in one subtask. Parts of aggregates are computed on every core first where the windows
   * are tumbling, sliding or sessions by event time, and have no options.
   * @example stream.windowAll(tumbling("1h")).topN(5, { by: (o) => o.total })
   */
  windowAll(assigner: WindowAssigner<T>, options: WindowOptions<T> = {}): WindowedStream<T, undefined> {
    const place = { assigner, key: undefined, options };
    return new WindowedStream<T, undefined>(siteOf(this.env, this.via("global")), place);
  }

  /**
   * Windows of `size` records over all records, or of the last `size` records after every `slide` records.
   * @example stream.countWindowAll(1000).aggregate({ mean: avg((o) => o.total) })
   */
  countWindowAll(size: number, slide?: number): WindowedStream<T, undefined> {
    return this.windowAll(globalWindows(), countOptions(size, slide));
  }

  /** This stream and others of the same type as one. */
  union(...others: readonly AnyStream<T>[]): DataStream<T> {
    return new DataStream<T>(this.env, [...this.inputs, ...others.flatMap((other) => other.inputs)]);
  }

  /**
   * Every record to every subtask. With a descriptor: to be connected to a keyed stream, which reads the state
   * that these records write.
   * @example tx.keyBy((t) => t.account).connect(rules.broadcast(broadcastState<string, Rule>()))
   */
  broadcast(): DataStream<T>;
  broadcast<BK, BV>(state: BroadcastDescriptor<BK, BV>): BroadcastStream<T, BK, BV>;
  broadcast(state?: BroadcastDescriptor<any, any>): DataStream<T> | BroadcastStream<T, any, any> {
    if (state === undefined) return this.spread("broadcast");
    return new BroadcastStream<T, any, any>(this.via("broadcast"), state);
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
  override append<R>(operator: NewOperator): Operator<R> {
    return new Operator<R>(this.env, this.env.add(operator, this.inputs));
  }

  protected override spread(partitioner: Partitioner): DataStream<T> {
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
   * The first record of each id, wherever it comes in: the stream is spread by the id, as by `keyBy`. Without `ttl` all
   * ids are remembered for ever.
   * @example events.dedupe((e) => e.id, { ttl: "1d" })
   */
  dedupe(id: (record: T) => unknown, options: DedupeOptions = {}): Operator<T> {
    return this.keyBy(distinct(id)).process("dedupe", dedupeFunctions<T>(undefined, options));
  }

  /**
   * This stream and another, of another type, as the two inputs of one operator.
   * @example clicks.connect(views).map((click) => click.page, (view) => view.page)
   */
  connect<U>(other: AnyStream<U>): ConnectedStreams<T, U> {
    return new ConnectedStreams<T, U>(siteOf(this.env, inputsOf(this, other)));
  }

  /**
   * Every record of this stream with every one of the other that has the same key and is in the same window (an
   * inner join). A pair is stamped with the window's end - 1.
   * @example
   * orders.join(payments).on((o) => o.id, (p) => p.orderId).window(tumbling("10s"))
   *   .apply((order, payment) => ({ ...order, paidAt: payment.at }))
   */
  join<U>(other: AnyStream<U>): JoinedStreams<T, U> {
    return new JoinedStreams<T, U>("join", (keys) => keyedSiteOf(this, other, keys));
  }

  /**
   * The records of a window and key of this stream and of the other, given to one function: outer joins, and
   * whatever else needs both sides whole. One of the two lists may be empty.
   * @example
   * orders.coGroup(payments).on((o) => o.id, (p) => p.orderId).window(tumbling("1h"))
   *   .apply((orders, payments, { key }) => (payments.length === 0 ? [{ unpaid: key, orders: orders.length }] : []))
   */
  coGroup<U>(other: AnyStream<U>): CoGroupedStreams<T, U> {
    return new CoGroupedStreams<T, U>("coGroup", (keys) => keyedSiteOf(this, other, keys));
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
      return new BroadcastConnectedStream(siteOf(this.env, inputsOf(this, other)), other.state, this.key);
    }
    return new KeyedConnectedStreams<T, U, K>(siteOf(this.env, inputsOf(this, other)), [this.key, other.key]);
  }

  /**
   * Meets every record of the other stream with the same key whose timestamp lies between this record's plus
   * `lower` and plus `upper`, both included unless said otherwise. A result has the later of the two timestamps.
   * A record before the watermark is late: dropped and counted. Throws OPTION_INVALID for bounds that hold nothing;
   * fails with TIMESTAMP_MISSING for records without event time.
   * @example
   * orders.keyBy((o) => o.id).intervalJoin(payments.keyBy((p) => p.orderId), { lower: "-5m", upper: "1h" },
   *   (order, payment) => ({ ...order, paidAt: payment.at }))
   */
  intervalJoin<U, R>(
    other: KeyedStream<U, K>,
    bounds: IntervalBounds,
    join: (record: T, other: U) => R,
    name = "interval join",
  ): Operator<R> {
    const site = siteOf(this.env, inputsOf(this, other));
    return site.append(added.intervalJoin(name, bounds, [this.key, other.key], join));
  }

  /**
   * As `join` of streams without keys, on the keys that both have.
   * @example clicks.keyBy((c) => c.user).join(buys.keyBy((b) => b.user)).window(session("5m")).apply((c, b) => [c, b])
   */
  join<U>(other: KeyedStream<U, K>): PairedKeys<T, U, K, "join", OperatorOutput> {
    return new PairedKeys<T, U, K, "join", OperatorOutput>("join", siteOf(this.env, inputsOf(this, other)), [
      this.key,
      other.key,
    ]);
  }

  /** As `coGroup` of streams without keys, on the keys that both have. */
  coGroup<U>(other: KeyedStream<U, K>): PairedKeys<T, U, K, "coGroup", OperatorOutput> {
    return new PairedKeys<T, U, K, "coGroup", OperatorOutput>(
      "coGroup",
      siteOf(this.env, inputsOf(this, other)),
      [this.key, other.key],
    );
  }

  /**
   * Windows per key: `tumbling`, `sliding`, `session`, `globalWindows`, or of one's own (`OwnWindows`).
   * @example visits.keyBy((v) => v.user).window(session("30m")).aggregate({ pages: count() })
   */
  window(assigner: WindowAssigner<T>, options: WindowOptions<T> = {}): WindowedStream<T, K> {
    return new WindowedStream<T, K>(siteOf(this.env, this.inputs), { assigner, key: this.key, options });
  }

  /**
   * Windows of `size` records of a key (what is left at the end is dropped), or of a key's last `size` records after
   * every `slide` records.
   * @example orders.keyBy((o) => o.shop).countWindow(100, 10).aggregate({ mean: avg((o) => o.total) })
   */
  countWindow(size: number, slide?: number): WindowedStream<T, K> {
    return this.window(globalWindows(), countOptions(size, slide));
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

  /**
   * Running sum of a field: for every record the first record of its key, with the sum of all so far in the field.
   * AGGREGATE_NOT_NUMBER for what is neither a number nor missing.
   * @example sales.keyBy((s) => s.shop).sum("amount")
   */
  sum<F extends FieldOf<T, number | null | undefined>>(field: F, options?: RunningOptions): Operator<T> {
    return this.append(added.runningField("sum", field, this.key, undefined, options));
  }

  /** Running minimum of a field (compared by `<`); the other fields are those of the key's first record. */
  min<F extends keyof T & string>(field: F, options?: RunningOptions): Operator<T> {
    return this.append(added.runningField("min", field, this.key, undefined, options));
  }

  /** Running maximum of a field; the other fields are those of the key's first record. */
  max<F extends keyof T & string>(field: F, options?: RunningOptions): Operator<T> {
    return this.append(added.runningField("max", field, this.key, undefined, options));
  }

  /**
   * The record with the smallest value of a field so far; of equal ones the first, or the last.
   * @example bids.keyBy((b) => b.auction).minBy("price", { ties: "last" })
   */
  minBy<F extends keyof T & string>(field: F, options: ByOptions = {}): Operator<T> {
    return this.append(added.runningField("minBy", field, this.key, options.ties, options));
  }

  /** The record with the largest value of a field so far; of equal ones the first, or the last. */
  maxBy<F extends keyof T & string>(field: F, options: ByOptions = {}): Operator<T> {
    return this.append(added.runningField("maxBy", field, this.key, options.ties, options));
  }

  /**
   * The last record of a key, once none has come for `gap`; by event time unless said otherwise.
   * @example clicks.keyBy((c) => c.user).debounce("30s")
   */
  debounce(gap: Duration, options: TimeOptions = {}): Operator<T> {
    return this.process("debounce", debounceFunctions<T>(gap, options));
  }

  /**
   * One record of a key (or `limit`), then none until `interval` is over; by event time unless said otherwise.
   * @example alerts.keyBy((a) => a.host).throttle("10m")
   */
  throttle(interval: Duration, options: ThrottleOptions = {}): Operator<T> {
    return this.process("throttle", throttleFunctions<T>(interval, options));
  }

  /**
   * Arrays of a key's records: when there are `size` of them or `time` after the first, by the clock unless said
   * otherwise; what is left at the end of the input, too.
   * @example events.keyBy((e) => e.table).batchBy({ size: 500, time: "2s" })
   */
  override batchBy(options: BatchOptions): Operator<T[]> {
    return this.process("batch", batchFunctions<T>(options));
  }

  /**
   * The first record of each key; with `id` the first of each id within the key. Without `ttl` all of them are
   * remembered for ever.
   * @example events.keyBy((e) => e.id).dedupe({ ttl: "1d" })
   */
  dedupe(options?: DedupeOptions): Operator<T>;
  dedupe(id: (record: T) => unknown, options?: DedupeOptions): Operator<T>;
  dedupe(first: DedupeOptions | ((record: T) => unknown) = {}, second: DedupeOptions = {}): Operator<T> {
    const isId = typeof first === "function";
    return this.process("dedupe", dedupeFunctions<T>(isId ? first : undefined, isId ? second : first));
  }

  /** Combines the records of a key into one, running: emits the new value for every record. */
  reduce(combine: (left: T, right: T) => T, options?: RunningOptions): Operator<T> {
    return this.append(added.runningReduce(combine, this.key, options));
  }
}

/** Two streams as the inputs of one operator. */
export class ConnectedStreams<T, U> extends ConnectedInputs<T, U, OperatorOutput> {}

/** Two streams of equal keys as the inputs of one operator, with state and timers in common. */
export class KeyedConnectedStreams<T, U, K> extends KeyedConnectedInputs<T, U, K, OperatorOutput> {}

/** A keyed stream and a broadcast one as the inputs of one operator. */
export class BroadcastConnectedStream<T, U, K, BK, BV> extends BroadcastConnectedInputs<
  T,
  U,
  K,
  BK,
  BV,
  OperatorOutput
> {}

/** Two streams to be joined: `on` says by which keys. */
export class JoinedStreams<T, U> extends PairedInputs<T, U, "join", OperatorOutput> {}

/** Two streams to be grouped together: `on` says by which keys. */
export class CoGroupedStreams<T, U> extends PairedInputs<T, U, "coGroup", OperatorOutput> {}

/** A stream cut into windows. Results are stamped with the window's end - 1. */
export class WindowedStream<T, K> extends Windows<T, K, OperatorOutput> {}

/** What the methods in other files answer: an operator's output, or a stream that is only spread in another way. */
interface OperatorOutput extends OutputKind {
  readonly output: Operator<this["record"]>;
}
interface StreamOutput extends OutputKind {
  readonly output: DataStream<this["record"]>;
}

function siteOf(env: GraphBuilder, inputs: readonly StreamInput[]): StreamSite<OperatorOutput> {
  return new StreamSite<OperatorOutput>(env, inputs, (graph, node) => new Operator(graph, node));
}

/** The place behind two streams, each spread by its key. */
function keyedSiteOf<T, U>(
  first: AnyStream<T>,
  second: AnyStream<U>,
  [key, secondKey]: readonly [AnyFunction, AnyFunction],
): StreamSite<OperatorOutput> {
  const left = first.keyBy(key as (record: T) => unknown);
  const right = second.keyBy(secondKey as (record: U) => unknown);
  return siteOf(first.env, inputsOf(left, right));
}

/** The inputs of an operator with two. */
function inputsOf(
  first: { readonly inputs: readonly StreamInput[] },
  second: { readonly inputs: readonly StreamInput[] },
): StreamInput[] {
  return [...first.inputs, ...second.inputs.map((input) => ({ ...input, input: 1 as const }))];
}
