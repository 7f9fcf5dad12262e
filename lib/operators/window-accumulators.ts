// @hot one call per record and window
/**
 * Aggregates of one window and key as a plain array, one element an aggregate: what fits into keyed state. The
 * windows that share panes keep theirs in typed cells instead (accumulators.ts).
 */

import { refusePromise, settled } from "../base/promise-check.js";
import { isNumber } from "./accumulators.js";
import type { Aggregate, Aggregates } from "./aggregates.js";

interface Cell {
  readonly name: string;
  create(): unknown;
  add(accumulator: any, record: unknown): unknown;
  merge(accumulator: any, other: any): unknown;
  result(accumulator: any): unknown;
}

export class WindowAccumulators {
  private readonly cells: readonly Cell[];

  constructor(aggregates: Aggregates<any>) {
    this.cells = Object.entries(aggregates).map(([name, aggregate]) => cellOf(name, aggregate));
  }

  create(): unknown[] {
    return this.cells.map((cell) => cell.create());
  }

  /** Changes the accumulators. */
  add(accumulators: unknown[], record: unknown): void {
    const { cells } = this;
    for (let i = 0; i < cells.length; i++) accumulators[i] = cells[i]!.add(accumulators[i], record);
  }

  /** Folds others into the first ones. */
  merge(accumulators: unknown[], others: readonly unknown[]): void {
    const { cells } = this;
    for (let i = 0; i < cells.length; i++) accumulators[i] = cells[i]!.merge(accumulators[i], others[i]);
  }

  result(accumulators: readonly unknown[]): Record<string, unknown> {
    const { cells } = this;
    const result: Record<string, unknown> = {};
    for (let i = 0; i < cells.length; i++) result[cells[i]!.name] = cells[i]!.result(accumulators[i]);
    return result;
  }
}

function cellOf(name: string, aggregate: Aggregate<any, any>): Cell {
  const { kind, select, custom } = aggregate;
  switch (kind) {
    case "count":
      return {
        name,
        create: () => 0,
        add: (n: number, record) => (select === undefined || holds(select(record)) ? n + 1 : n),
        merge: (n: number, other: number) => n + other,
        result: (n: number) => n,
      };
    case "sum":
      return numbers(name, select!, 0, (left, right) => left + right);
    case "min":
      return numbers(name, select!, Number.POSITIVE_INFINITY, smaller);
    case "max":
      return numbers(name, select!, Number.NEGATIVE_INFINITY, larger);
    case "avg":
      return mean(name, select!);
    case "custom":
      return {
        name,
        create: () => settled(custom!.create()),
        add: (accumulator, record) => settled(custom!.add(accumulator, record)),
        merge: (accumulator, other) => settled(custom!.merge(accumulator, other)),
        result: (accumulator) => settled(custom!.result(accumulator)),
      };
  }
}

function holds(condition: unknown): boolean {
  refusePromise(condition);
  return Boolean(condition);
}

/** Not Math.min: what is not a number at all counts for nothing. */
function smaller(left: number, right: number): number {
  if (right < left) return right;
  return left;
}

function larger(left: number, right: number): number {
  if (right > left) return right;
  return left;
}

type Select = (record: any) => unknown;

/** `none`: the result where no number was given, as null if it is infinite. */
function numbers(
  name: string,
  select: Select,
  none: number,
  fold: (left: number, right: number) => number,
): Cell {
  return {
    name,
    create: () => none,
    add(accumulator: number, record) {
      const value = select(record);
      return isNumber(value, name) ? fold(accumulator, value) : accumulator;
    },
    merge: fold,
    result: (accumulator: number) => (accumulator === none && none !== 0 ? null : accumulator),
  };
}

function mean(name: string, select: Select): Cell {
  type Mean = readonly [sum: number, n: number];
  return {
    name,
    create: (): Mean => [0, 0],
    add(mean: Mean, record): Mean {
      const value = select(record);
      return isNumber(value, name) ? [mean[0] + value, mean[1] + 1] : mean;
    },
    merge: (mean: Mean, other: Mean): Mean => [mean[0] + other[0], mean[1] + other[1]],
    result: ([sum, n]: Mean) => (n === 0 ? null : sum / n),
  };
}
