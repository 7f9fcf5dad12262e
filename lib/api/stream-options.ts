/** Options and function types of the stream methods. */
import type { Duration } from "../base/duration.js";
import type { ErrorPolicy } from "../operators/error-policy.js";
import type { Window } from "../time/windows.js";

/** Gathers updates: a key's result is emitted once per batch, and records are combined before they cross threads. */
export interface MiniBatchOptions {
  /** Records a batch gathers at most; default 50,000. */
  readonly size?: number;
  /** How long a batch gathers at most; default "1s". */
  readonly latency?: Duration;
}

/** How a running aggregate emits. */
export interface RunningOptions {
  readonly miniBatch?: boolean | MiniBatchOptions;
}

/** A key of undefined: windows over all records, which have no key in their results. */
export type Place<K> = [K] extends [undefined]
  ? { readonly window: Window }
  : { readonly key: K; readonly window: Window };
/** The fields a window result has by itself. */
export type Default<K> = ([K] extends [undefined] ? object : { key: K }) & {
  windowStart: number;
  windowEnd: number;
};

/** What the best records are. */
export interface TopOptions<T> {
  /** Highest first. */
  readonly by: (record: T) => number;
  /** Among equals: the smallest first. */
  readonly ties?: (record: T) => string | number;
}

/** How `minBy` and `maxBy` emit. */
export interface ByOptions extends RunningOptions {
  /** Which of equal records; default the first. */
  readonly ties?: "first" | "last";
}

/** The names of a record's fields whose values are of a type. */
export type FieldOf<T, V> = {
  [F in keyof T & string]: T[F] extends V ? F : never;
}[keyof T & string];

/** What the operators that are given one record at a time take. */
export interface RecordOptions {
  /** What plans, metrics and errors call the operator. */
  readonly name?: string;
  /** What becomes of a record on which the function throws; default: the job fails. */
  readonly onError?: ErrorPolicy;
}

/** How far the other record's timestamp may be from this one's. */
export interface IntervalBounds {
  /** From: this record's timestamp plus `lower`, which may be negative. */
  readonly lower: Duration;
  /** To: this record's timestamp plus `upper`. */
  readonly upper: Duration;
  /** The record at exactly `lower` does not match; default: it does. */
  readonly lowerExclusive?: boolean;
  /** The record at exactly `upper` does not match; default: it does. */
  readonly upperExclusive?: boolean;
}
