/** The aggregates that `aggregate({...})` takes. Built-in ones live in typed cells off the heap. */

/** One aggregate over records of type T with results of type R. */
export interface Aggregate<T, R> {
  readonly kind: "count" | "sum" | "min" | "max" | "avg" | "custom";
  readonly select?: (record: T) => unknown;
  readonly custom?: CustomAggregate<T, any, R>;
  /** Type only; never set. */
  readonly resultType?: R;
}

/** An aggregate of one's own: `merge` is what lets it be computed in parts on every core. */
export interface CustomAggregate<T, A, R> {
  create(): A;
  /** Adds a record; answers the accumulator, changed or new. */
  add(accumulator: A, record: T): A;
  /** Folds `other` into `accumulator`; answers the accumulator. */
  merge(accumulator: A, other: A): A;
  /** Not the accumulator itself where it is changed in place and the result is given out more than once. */
  result(accumulator: A): R;
}

type Numeric = number | null | undefined;

/** Number of records, or of those for which the condition holds. */
export function count<T = unknown>(condition?: (record: T) => boolean): Aggregate<T, number> {
  return condition === undefined ? { kind: "count" } : { kind: "count", select: condition };
}

/** Sum of a number; null and undefined are skipped; 0 over nothing. */
export function sum<T>(select: (record: T) => Numeric): Aggregate<T, number> {
  return { kind: "sum", select };
}

/** Smallest number; null over nothing. */
export function min<T>(select: (record: T) => Numeric): Aggregate<T, number> {
  return { kind: "min", select };
}

/** Largest number; null over nothing. */
export function max<T>(select: (record: T) => Numeric): Aggregate<T, number> {
  return { kind: "max", select };
}

/** Arithmetic mean as a double; null over nothing. */
export function avg<T>(select: (record: T) => Numeric): Aggregate<T, number> {
  return { kind: "avg", select };
}

/**
 * An aggregate of one's own.
 * @example
 * aggregate({
 *   names: custom({
 *     create: () => [],
 *     add: (names, row) => [...names, row.name],
 *     merge: (left, right) => left.concat(right),
 *     result: (names) => names,
 *   }),
 * })
 */
export function custom<T, A, R>(functions: CustomAggregate<T, A, R>): Aggregate<T, R> {
  return { kind: "custom", custom: functions };
}

/** A named set of aggregates. */
export type Aggregates<T> = Readonly<Record<string, Aggregate<T, any>>>;

/** What a set of aggregates gives: one field per name. */
export type AggregateResult<S> = {
  -readonly [K in keyof S]: S[K] extends Aggregate<any, infer R> ? R : never;
};
