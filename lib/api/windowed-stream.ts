/** The methods of streams that are cut into windows. */
import type { AggregateResult, Aggregates } from "../operators/aggregates.js";
import type { AnyFunction } from "../operators/contract.js";
import { flatMapLogic } from "../operators/flat-map.js";
import type { KeyedDescriptors } from "../operators/keyed-operator.js";
import { topRecords } from "../operators/top-n.js";
import { reduction } from "./added-operators.js";
import { isPlain, type WindowPlace, windowAggregate, windowFunction, windowRows } from "./added-windows.js";
import type { NoState } from "./process-functions.js";
import type { Default, Place, TopOptions } from "./stream-options.js";
import type { OutputKind, OutputOf, StreamSite } from "./stream-site.js";
import type { WindowFunction } from "./window-functions.js";

/**
 * A stream cut into windows. Results are stamped with the window's end - 1; those of global windows, which have no
 * end, with the timestamp of the record or the time of the timer that made them fire.
 */
export class Windows<T, K, O extends OutputKind> {
  private readonly site: StreamSite<O>;
  private readonly place: WindowPlace;

  constructor(site: StreamSite<O>, place: WindowPlace) {
    this.site = site;
    this.place = place;
  }

  /**
   * Named aggregates per window, optionally made into a record of one's own, or handed to a function with a context.
   * @example
   * stream.window(tumbling("1m")).aggregate({ n: count() }, ({ n }, { key, window }) => ({ key, n, at: window.end }))
   */
  aggregate<A extends Aggregates<T>>(aggregates: A): OutputOf<O, Default<K> & AggregateResult<A>>;
  aggregate<A extends Aggregates<T>, R>(
    aggregates: A,
    project: (result: AggregateResult<A>, place: Place<K>) => R,
  ): OutputOf<O, R>;
  aggregate<
    A extends Aggregates<T>,
    Out,
    S extends KeyedDescriptors = NoState,
    W extends KeyedDescriptors = NoState,
  >(aggregates: A, functions: WindowFunction<AggregateResult<A>, K, Out, S, W>): OutputOf<O, Out>;
  aggregate(
    aggregates: Aggregates<T>,
    second?: AnyFunction | WindowFunction<any, any, any, any, any>,
  ): OutputOf<O, any> {
    return this.site.append(
      typeof second === "object"
        ? windowFunction("aggregate", this.place, aggregates, second)
        : windowAggregate("aggregate", this.place, aggregates, second),
    );
  }

  /**
   * Combines the records of a window into one, optionally made into a record of another type, or handed to a function
   * with a context.
   * @example stream.window(session("30m")).reduce((a, b) => (a.price > b.price ? a : b))
   */
  reduce(combine: (left: T, right: T) => T): OutputOf<O, T>;
  reduce<R>(combine: (left: T, right: T) => T, project: (record: T, place: Place<K>) => R): OutputOf<O, R>;
  reduce<Out, S extends KeyedDescriptors = NoState, W extends KeyedDescriptors = NoState>(
    combine: (left: T, right: T) => T,
    functions: WindowFunction<T, K, Out, S, W>,
  ): OutputOf<O, Out>;
  reduce(
    combine: (left: T, right: T) => T,
    second?: AnyFunction | WindowFunction<any, any, any, any, any>,
  ): OutputOf<O, any> {
    const value = reduction(combine);
    if (typeof second === "object") {
      return this.site.append(windowFunction("reduce", this.place, { value }, second, reducedOf));
    }
    const project =
      second === undefined
        ? reducedOf
        : (result: { value: T }, place: unknown) => second(result.value, place);
    return this.site.append(windowAggregate("reduce", this.place, { value }, project));
  }

  /**
   * A function over all records of a window, kept until it is over: with `ctx.emit`, state per key (`ctx.state`) and
   * per window (`ctx.windowState`).
   * @example
   * stream.window(tumbling("1m")).process("range", {
   *   out: type<{ key: string; from: number; to: number }>(),
   *   window(records, ctx) {
   *     ctx.emit({ key: ctx.key, from: records[0]!.value, to: records.at(-1)!.value });
   *   },
   * })
   */
  process<Out = T, S extends KeyedDescriptors = NoState, W extends KeyedDescriptors = NoState>(
    name: string,
    functions: WindowFunction<readonly T[], K, Out, S, W>,
  ): OutputOf<O, Out> {
    return this.site.append(windowFunction(name, this.place, undefined, functions));
  }

  /** The `n` records with the highest `by` of each window (and key), best first. */
  topN(n: number, options: TopOptions<T>): OutputOf<O, T>;
  topN<R>(
    n: number,
    options: TopOptions<T>,
    project: (record: T, rank: number, place: Place<K>) => R,
  ): OutputOf<O, R>;
  topN(
    n: number,
    options: TopOptions<T>,
    project?: (record: T, rank: number, place: any) => unknown,
  ): OutputOf<O, any> {
    const top = topRecords(n, options.by, options.ties);
    const ranked = (result: { top: T[] }, place: unknown): readonly unknown[] =>
      project === undefined ? result.top : result.top.map((record, i) => project(record, i + 1, place));
    if (!isPlain(this.place)) {
      const functions = [options.by, options.ties, project].filter((each) => each !== undefined);
      return this.site.append(windowRows("top", this.place, { top }, ranked, functions));
    }
    const ranks = flatMapLogic((rows: unknown[]) => rows);
    return this.site
      .after(windowAggregate("top", this.place, { top }, ranked))
      .append({ kind: "flatMap", name: "ranks", logic: ranks });
  }
}

/** The record of a `reduce`. */
function reducedOf(result: { value: unknown }): any {
  return result.value;
}
