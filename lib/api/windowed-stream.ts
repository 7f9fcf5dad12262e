/** The methods of streams that are cut into windows. */
import type { AggregateResult, Aggregates } from "../operators/aggregates.js";
import type { AnyFunction } from "../operators/contract.js";
import { flatMapLogic } from "../operators/flat-map.js";
import { topRecords } from "../operators/top-n.js";
import type { WindowAssigner } from "../time/windows.js";
import * as added from "./added-operators.js";
import type { NewOperator } from "./graph-builder.js";
import type { Default, Place, TopOptions } from "./stream-options.js";
import type { OutputKind, OutputOf, StreamSite } from "./stream-site.js";

/** A stream cut into event-time windows. Results are stamped with the window's end - 1. */
export class Windows<T, K, O extends OutputKind> {
  private readonly site: StreamSite<O>;
  private readonly assigner: WindowAssigner;
  private readonly key: ((record: T) => K) | undefined;

  constructor(site: StreamSite<O>, assigner: WindowAssigner, key: ((record: T) => K) | undefined) {
    this.site = site;
    this.assigner = assigner;
    this.key = key;
  }

  /** Named aggregates per window, optionally made into a record of one's own. */
  aggregate<A extends Aggregates<T>>(aggregates: A): OutputOf<O, Default<K> & AggregateResult<A>>;
  aggregate<A extends Aggregates<T>, R>(
    aggregates: A,
    project: (result: AggregateResult<A>, place: Place<K>) => R,
  ): OutputOf<O, R>;
  aggregate(aggregates: Aggregates<T>, project?: (result: any, place: any) => unknown): OutputOf<O, any> {
    return this.site.append(this.operator("aggregate", aggregates, project));
  }

  /** Combines the records of a window into one. */
  reduce(combine: (left: T, right: T) => T): OutputOf<O, T> {
    const value = added.reduction(combine);
    return this.site.append(this.operator("reduce", { value }, (result: { value: T }) => result.value));
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
    const ranked = this.operator("top", { top }, (result: { top: T[] }, place: unknown) =>
      project === undefined ? result.top : result.top.map((record, i) => project(record, i + 1, place)),
    );
    const ranks = flatMapLogic((rows: unknown[]) => rows);
    return this.site.after(ranked).append({ kind: "flatMap", name: "ranks", logic: ranks });
  }

  private operator(name: string, aggregates: Aggregates<T>, project?: AnyFunction): NewOperator {
    return added.windowAggregate(name, this.assigner, aggregates, this.key, project);
  }
}
