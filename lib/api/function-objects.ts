/**
 * Functions as objects: where a closure is not enough, because something has to be opened and closed, or counted. An
 * object, or an instance of a class, has a function of the operator's name. Every slot builds the job for itself, so
 * that an object made while the job is built belongs to one subtask.
 */
import type { FunctionContext, FunctionLifecycle } from "../operators/function-context.js";
import type { AsyncCall } from "./async-options.js";

/**
 * What `map` takes besides a closure.
 * @example
 * class Enrich implements MapFunction<Order, Order & { country: string }> {
 *   private countries = new Map<string, string>();
 *   async open(): Promise<void> {
 *     this.countries = await readCountries();
 *   }
 *   map(order: Order, ctx: FunctionContext): Order & { country: string } {
 *     const country = this.countries.get(order.city);
 *     if (country === undefined) ctx.metrics.counter("unknown cities").increase();
 *     return { ...order, country: country ?? "?" };
 *   }
 * }
 * orders.map(new Enrich());
 */
export interface MapFunction<T, R> extends FunctionLifecycle {
  map(record: T, context: FunctionContext): R;
}

/** What `filter` takes besides a closure. */
export interface FilterFunction<T> extends FunctionLifecycle {
  filter(record: T, context: FunctionContext): boolean;
}

/** What `flatMap` takes besides a closure. */
export interface FlatMapFunction<T, R> extends FunctionLifecycle {
  flatMap(record: T, context: FunctionContext): Iterable<R>;
}

/**
 * What `asyncMap` takes besides a closure: a client, say, that is connected once for each subtask.
 * @example
 * let client: Client;
 * orders.asyncMap({
 *   async open({ signal }) {
 *     client = await connect({ signal });
 *   },
 *   asyncMap: (order, { signal }) => client.lookUp(order.id, { signal }),
 *   close: () => client?.end(),
 * });
 */
export interface AsyncMapFunction<T, R> extends FunctionLifecycle {
  asyncMap(record: T, call: AsyncCall): PromiseLike<R> | R;
}

/** What `map` takes. */
export type Mapping<T, R> = ((record: T) => R) | MapFunction<T, R>;
/** What `filter` takes. */
export type Predicate<T> = ((record: T) => boolean) | FilterFunction<T>;
/** What `flatMap` takes. */
export type Expansion<T, R> = ((record: T) => Iterable<R>) | FlatMapFunction<T, R>;
/** What `asyncMap` takes. */
export type AsyncMapping<T, R> =
  | ((record: T, call: AsyncCall) => PromiseLike<R> | R)
  | AsyncMapFunction<T, R>;
