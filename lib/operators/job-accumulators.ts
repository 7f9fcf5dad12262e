/**
 * A job's accumulators (Flink's): values that functions add to in every subtask and that are merged into one per job,
 * told while it runs and when it has ended. They are not part of checkpoints.
 */
import { MillraceError } from "../base/error.js";
import type { CustomAggregate } from "./aggregates.js";

/** How values are added up, merged over subtasks and made into a result; made by `accumulators.*`. */
export interface Accumulation<T, R> {
  /** For plans. */
  readonly kind: string;
  readonly functions: CustomAggregate<T, any, R>;
}

/** An accumulator of a job: made by `env.accumulator(name, accumulators.int())`, added to by `ctx.accumulator`. */
export interface Accumulator<T = any, R = any> extends Accumulation<T, R> {
  readonly name: string;
}

/** What functions add to: the accumulator's part in one subtask. */
export interface LocalAccumulator<T, R = unknown> {
  /** Throws ACCUMULATOR_INVALID for what is no value of its kind. */
  add(value: T): void;
  /** Of what this subtask has added. */
  readonly local: R;
}

/**
 * The kinds of accumulators:
 *
 * - `int()` adds up whole numbers, `double()` any; `long()` adds up bigints.
 * - `min()`, `max()` and `avg()` are over numbers, null over none.
 * - `list()` gathers values, `histogram()` counts how often there is each number: a Map, smallest first.
 * - `custom(functions)` is one of your own. What `create` and `add` answer is plain data: it is copied to the main
 *   thread, where `merge` and `result` are called.
 *
 * @example
 * const bad = env.accumulator("bad lines", accumulators.int());
 * lines.filter({
 *   filter(line, ctx) {
 *     if (line !== "") return true;
 *     ctx.accumulator(bad).add(1);
 *     return false;
 *   },
 * });
 * // ... and of the job: (await job.completed).accumulators["bad lines"]
 */
export const accumulators = {
  int(): Accumulation<number, number> {
    return kindOf("int", 0, (sum, n: number) => sum + whole(n));
  },

  double(): Accumulation<number, number> {
    return kindOf("double", 0, (sum, n: number) => sum + number(n));
  },

  long(): Accumulation<bigint, bigint> {
    return kindOf("long", 0n, (sum, n: bigint) => (typeof n === "bigint" ? sum + n : refuse(n, "a bigint")));
  },

  min(): Accumulation<number, number | null> {
    return kindOf<number, number | null>("min", null, (least, n) =>
      n === null ? least : least === null || number(n) < least ? number(n) : least,
    );
  },

  max(): Accumulation<number, number | null> {
    return kindOf<number, number | null>("max", null, (most, n) =>
      n === null ? most : most === null || number(n) > most ? number(n) : most,
    );
  },

  avg(): Accumulation<number, number | null> {
    type Mean = readonly [sum: number, n: number];
    const functions: CustomAggregate<number, Mean, number | null> = {
      create: () => [0, 0],
      add: ([sum, n], value) => [sum + number(value), n + 1],
      merge: (left, right) => [left[0] + right[0], left[1] + right[1]],
      result: ([sum, n]) => (n === 0 ? null : sum / n),
    };
    return { kind: "avg", functions };
  },

  list<T>(): Accumulation<T, readonly T[]> {
    const functions: CustomAggregate<T, T[], readonly T[]> = {
      create: () => [],
      add(values, value) {
        values.push(value);
        return values;
      },
      merge: (values, others) => values.concat(others),
      result: (values) => values.slice(),
    };
    return { kind: "list", functions };
  },

  histogram(): Accumulation<number, ReadonlyMap<number, number>> {
    const count = (counts: Map<number, number>, value: number, n: number) =>
      counts.set(value, (counts.get(value) ?? 0) + n);
    const functions: CustomAggregate<number, Map<number, number>, ReadonlyMap<number, number>> = {
      create: () => new Map(),
      add: (counts, value) => count(counts, number(value), 1),
      merge(counts, others) {
        for (const [value, n] of others) count(counts, value, n);
        return counts;
      },
      result: (counts) => new Map([...counts].sort(([a], [b]) => a - b)),
    };
    return { kind: "histogram", functions };
  },

  custom<T, A, R>(functions: CustomAggregate<T, A, R>): Accumulation<T, R> {
    return { kind: "custom", functions };
  },
};

/** Of accumulators that are values themselves: what is merged is added. */
function kindOf<T, A>(kind: string, create: A, add: (so: A, value: any) => A): Accumulation<T, A> {
  return { kind, functions: { create: () => create, add, merge: add, result: (so) => so } };
}

function number(value: unknown): number {
  return typeof value === "number" ? value : refuse(value, "a number");
}

function whole(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : refuse(value, "a whole number");
}

function refuse(value: unknown, expected: string): never {
  throw new MillraceError(
    "ACCUMULATOR_INVALID",
    `an accumulator was given ${String(value)}, not ${expected}`,
  );
}
