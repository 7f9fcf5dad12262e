/** The methods of two streams whose records meet in windows: joins and co-groups, from the keys to the function. */
import type { AnyFunction } from "../operators/contract.js";
import type { WindowAssigner } from "../operators/window-assigner.js";
import { groupedSides, joinedPairs } from "../operators/window-join.js";
import { type WindowPlace, windowPairs } from "./added-windows.js";
import type { Place } from "./stream-options.js";
import type { OutputKind, OutputOf, StreamSite } from "./stream-site.js";
import type { WindowOptions } from "./window-functions.js";

/** What `apply` takes, of joins and of co-groups. */
export interface PairFunctions<T, U, K, R> {
  /** Called for every pair. */
  readonly join: (first: T, second: U, place: Place<K>) => R;
  /** Called once for each window and key; one of the two lists may be empty. */
  readonly coGroup: (firsts: readonly T[], seconds: readonly U[], place: Place<K>) => Iterable<R>;
}

/** How two streams meet: by pairs, or by all records of a window. */
export type PairKind = keyof PairFunctions<unknown, unknown, unknown, unknown>;

type Keys = readonly [first: AnyFunction, second: AnyFunction];

/** Two streams that are to meet, before it is said on what. */
export class PairedInputs<T, U, M extends PairKind, O extends OutputKind> {
  private readonly kind: M;
  /** The place behind both streams, spread by the keys. */
  private readonly siteOf: (keys: Keys) => StreamSite<O>;

  constructor(kind: M, siteOf: (keys: Keys) => StreamSite<O>) {
    this.kind = kind;
    this.siteOf = siteOf;
  }

  /**
   * What a record of either stream is met by: equal keys (Flink's `where` and `equalTo`).
   * @example orders.join(payments).on((order) => order.id, (payment) => payment.orderId)
   */
  on<K>(first: (record: T) => K, second: (record: U) => K): PairedKeys<T, U, K, M, O> {
    const keys: Keys = [first, second];
    return new PairedKeys<T, U, K, M, O>(this.kind, this.siteOf(keys), keys);
  }
}

/** Two streams that meet by equal keys, before it is said within what time. */
export class PairedKeys<T, U, K, M extends PairKind, O extends OutputKind> {
  private readonly kind: M;
  private readonly site: StreamSite<O>;
  private readonly keys: Keys;

  constructor(kind: M, site: StreamSite<O>, keys: Keys) {
    this.kind = kind;
    this.site = site;
    this.keys = keys;
  }

  /**
   * Windows of both streams in common, of any kind, with all options: a session goes on with a record of either, a
   * trigger sees and counts the records of both (`ctx.input` says which), an evictor has them in one list. A window
   * that fires again, for what comes late or by its trigger, gives out everything anew.
   */
  window(assigner: WindowAssigner<T | U>, options: WindowOptions<T | U> = {}): PairedWindows<T, U, K, M, O> {
    const [key, secondKey] = this.keys;
    return new PairedWindows<T, U, K, M, O>(this.kind, this.site, { assigner, key, secondKey, options });
  }
}

/** Two streams cut into windows in common. Results are stamped as those of other windows. */
export class PairedWindows<T, U, K, M extends PairKind, O extends OutputKind> {
  private readonly kind: M;
  private readonly site: StreamSite<O>;
  private readonly place: WindowPlace;

  constructor(kind: M, site: StreamSite<O>, place: WindowPlace) {
    this.kind = kind;
    this.site = site;
    this.place = place;
  }

  /**
   * Of a join, makes a record of each pair of a window, the pairs of an earlier first record first. Of a co-group,
   * makes any number of records of all that a window holds of a key: an array, a generator or another iterable.
   * However many these are, they are made as there is room for them behind.
   */
  apply<R>(apply: PairFunctions<T, U, K, R>[M], name: string = this.kind): OutputOf<O, R> {
    const result = this.kind === "join" ? joinedPairs(apply) : groupedSides(apply);
    return this.site.append(
      windowPairs(this.kind === "join" ? "window-join" : "co-group", name, this.place, result),
    );
  }
}
