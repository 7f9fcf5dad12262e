/**
 * What users write to declare state. A descriptor is a plain object; the operator is given a handle for it
 * (`StateHandle`), which speaks of the key of the record in hand.
 */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type {
  AggregatingDescriptor,
  AppendingState,
  BroadcastDescriptor,
  ListDescriptor,
  ListState,
  MapDescriptor,
  MapState,
  ReducingDescriptor,
  SplitListDescriptor,
  StateOptions,
  UnionListDescriptor,
  ValueDescriptor,
  ValueState,
} from "./contract.js";

/** Options of keyed state. */
export interface StateSettings {
  /**
   * Time to live: what was not written for this long is gone (processing time; lists and maps: each element by
   * itself). Default: kept until cleared.
   */
  readonly ttl?: Duration;
  /** What makes the time to live begin anew: `"write"` (default) or also reading (`"read-write"`). */
  readonly ttlRefresh?: "write" | "read-write";
  /**
   * Types of the contents by field, such as `{ id: "string", note: "string?" }`; a `?` marks what may be
   * missing. Compared when a job is restored: a changed type or a new field that is not optional is refused
   * (STATE_INCOMPATIBLE) before the job meets the old data.
   */
  readonly types?: Readonly<Record<string, string>>;
}

/** The functions of `aggregating`. The accumulator may be changed in place and returned. */
export interface StateAggregate<T, A, R> {
  create(): A;
  add(accumulator: A, record: T): A;
  result(accumulator: A): R;
}

/** Descriptors of keyed state. */
export type KeyedDescriptor =
  | ValueDescriptor<any>
  | ListDescriptor<any>
  | MapDescriptor<any, any>
  | ReducingDescriptor<any>
  | AggregatingDescriptor<any, any, any>;

/** Descriptors of operator state. */
export type OperatorStateDescriptor =
  | SplitListDescriptor<any>
  | UnionListDescriptor<any>
  | BroadcastDescriptor<any, any>;

/** What an operator works with where `D` was declared. */
export type StateHandle<D> =
  D extends ValueDescriptor<infer T>
    ? ValueState<T>
    : D extends ListDescriptor<infer T> | SplitListDescriptor<infer T> | UnionListDescriptor<infer T>
      ? ListState<T>
      : D extends MapDescriptor<infer K, infer V> | BroadcastDescriptor<infer K, infer V>
        ? MapState<K, V>
        : D extends ReducingDescriptor<infer T>
          ? AppendingState<T, T>
          : D extends AggregatingDescriptor<infer T, any, infer R>
            ? AppendingState<T, R>
            : never;

/**
 * One value per key. Throws OPTION_INVALID for a time to live that is not above 0.
 *
 * @example
 * state: { last: value<number>(), seen: value<boolean>({ ttl: "1h" }) },
 * element(record, ctx) {
 *   const last = ctx.state.last.get() ?? 0;
 *   ctx.state.last.update(record.amount);
 * }
 */
export function value<T>(settings: StateSettings = {}): ValueDescriptor<T> {
  return { kind: "value", ...optionsOf(settings) };
}

/**
 * A list of values per key, cheap to append to however long it is.
 *
 * @example
 * state: { recent: list<Order>({ ttl: "10m" }) },
 * element(order, ctx) { ctx.state.recent.add(order); }
 */
export function list<T>(settings: StateSettings = {}): ListDescriptor<T> {
  return { kind: "list", ...optionsOf(settings) };
}

/**
 * A map per key; its entries are read, written and checkpointed one by one. Map keys are what keys of `keyBy`
 * may be (KEY_INVALID).
 *
 * @example
 * state: { perProduct: map<string, number>() },
 * element(sale, ctx) {
 *   const { perProduct } = ctx.state;
 *   perProduct.set(sale.product, (perProduct.get(sale.product) ?? 0) + sale.units);
 * }
 */
export function map<K, V>(settings: StateSettings = {}): MapDescriptor<K, V> {
  return { kind: "map", ...optionsOf(settings) };
}

/**
 * One value per key into which each added value is folded; the first added value is the value.
 *
 * @example
 * state: { highest: reducing<number>((left, right) => Math.max(left, right)) },
 * element(bid, ctx) { ctx.state.highest.add(bid.price); }
 */
export function reducing<T>(
  reduce: (left: T, right: T) => T,
  settings: StateSettings = {},
): ReducingDescriptor<T> {
  return { kind: "reducing", reduce, ...optionsOf(settings) };
}

/**
 * One accumulator per key to which each value is added; `get()` answers its result.
 *
 * @example
 * state: {
 *   mean: aggregating({
 *     create: () => ({ sum: 0, count: 0 }),
 *     add: (acc, price: number) => ({ sum: acc.sum + price, count: acc.count + 1 }),
 *     result: (acc) => acc.sum / acc.count,
 *   }),
 * }
 */
export function aggregating<T, A, R>(
  aggregate: StateAggregate<T, A, R>,
  settings: StateSettings = {},
): AggregatingDescriptor<T, A, R> {
  const { create, add, result } = aggregate;
  return { kind: "aggregating", create, add, result, ...optionsOf(settings) };
}

/**
 * Operator state: a list of each subtask's own. When a job is restored, the elements of all subtasks are dealt
 * out evenly.
 *
 * @example
 * state: { buffered: listState<Row>() }
 */
export function listState<T>(settings: Pick<StateSettings, "types"> = {}): SplitListDescriptor<T> {
  return { kind: "split-list", ...settings };
}

/**
 * Operator state: a list of each subtask's own. When a job is restored, every subtask is given the elements of
 * all of them and keeps those it needs.
 *
 * @example
 * state: { offsets: unionListState<{ file: string; at: number }>() }
 */
export function unionListState<T>(settings: Pick<StateSettings, "types"> = {}): UnionListDescriptor<T> {
  return { kind: "union-list", ...settings };
}

/**
 * Operator state: a map that every subtask changes in the same way, by the records that are broadcast to all.
 *
 * @example
 * state: { rules: broadcastState<string, Rule>() }
 */
export function broadcastState<K, V>(settings: Pick<StateSettings, "types"> = {}): BroadcastDescriptor<K, V> {
  return { kind: "broadcast", ...settings };
}

function optionsOf({ ttl, ttlRefresh, types }: StateSettings): StateOptions {
  const ttlMs = ttl === undefined ? undefined : durationMs(ttl, "ttl");
  if (ttlMs !== undefined && ttlMs <= 0) {
    throw new MillraceError("OPTION_INVALID", `ttl: ${JSON.stringify(ttl)} is not above 0`, {
      hint: "Leave ttl out for state that is kept until it is cleared.",
    });
  }
  return {
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(ttlRefresh === undefined ? {} : { ttlRefresh }),
    ...(types === undefined ? {} : { types }),
  };
}
