/** The methods of streams that are connected: two inputs of one operator. */
import { coFlatMapLogic, coMapLogic } from "../operators/connected.js";
import type { KeyedDescriptors } from "../operators/keyed-operator.js";
import type { OperatorDescriptors } from "../operators/operator-state.js";
import type { BroadcastDescriptor } from "../state/contract.js";
import * as added from "./added-operators.js";
import type {
  BroadcastProcessFunction,
  CoProcessFunction,
  KeyedCoProcessFunction,
  NoState,
} from "./process-functions.js";
import type { OutputKind, OutputOf, StreamSite } from "./stream-site.js";

/** Two streams as the inputs of one operator: what is the same with and without keys. */
class TwoInputs<T, U, O extends OutputKind> {
  protected readonly site: StreamSite<O>;

  constructor(site: StreamSite<O>) {
    this.site = site;
  }

  /**
   * One record in, one out, of either stream.
   * @example clicks.connect(views).map((click) => click.page, (view) => view.page)
   */
  map<R>(first: (record: T) => R, second: (record: U) => R, name = "map"): OutputOf<O, R> {
    return this.site.append({ kind: "map", name, logic: coMapLogic(first, second) });
  }

  /**
   * One record in, any number out, of either stream.
   * @example orders.connect(refunds).flatMap((order) => order.lines, () => [])
   */
  flatMap<R>(
    first: (record: T) => Iterable<R>,
    second: (record: U) => Iterable<R>,
    name = "flatMap",
  ): OutputOf<O, R> {
    return this.site.append({ kind: "flatMap", name, logic: coFlatMapLogic(first, second) });
  }
}

/** Two streams as the inputs of one operator. */
export class ConnectedInputs<T, U, O extends OutputKind> extends TwoInputs<T, U, O> {
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
  ): OutputOf<O, Out> {
    return this.site.append(added.coProcess(name, functions));
  }
}

/** Two streams of equal keys as the inputs of one operator, with state and timers in common. */
export class KeyedConnectedInputs<T, U, K, O extends OutputKind> extends TwoInputs<T, U, O> {
  private readonly keys: readonly [(record: T) => K, (record: U) => K];

  constructor(site: StreamSite<O>, keys: readonly [(record: T) => K, (record: U) => K]) {
    super(site);
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
  ): OutputOf<O, Out> {
    return this.site.append(added.keyedCoProcess(name, functions, this.keys));
  }
}

/** A keyed stream and a broadcast one as the inputs of one operator. */
export class BroadcastConnectedInputs<T, U, K, BK, BV, O extends OutputKind> {
  private readonly site: StreamSite<O>;
  private readonly broadcast: BroadcastDescriptor<BK, BV>;
  private readonly key: (record: T) => K;

  constructor(site: StreamSite<O>, broadcast: BroadcastDescriptor<BK, BV>, key: (record: T) => K) {
    this.site = site;
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
  ): OutputOf<O, Out> {
    const operator = added.broadcastProcess(name, functions, this.key, this.broadcast);
    return this.site.append(operator);
  }
}
