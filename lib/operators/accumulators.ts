/**
 * Generates the code that a set of aggregates needs. A group's accumulators are cells side by side:
 *
 *   numbers: Float64Array   | slot 0: c0 c1 .. cN-1 | slot 1: c0 c1 .. |   N = numberCells
 *   objects: unknown[]      | slot 0: o0 .. oM-1    | slot 1: ..       |   M = objectCells
 *
 * A *partial* is a group's accumulators as a record, `{k, w, c0.., o0.., n?}`: what local combining sends
 * across threads instead of the records (k: key, w: start of the pane).
 */
import { MillraceError } from "../base/error.js";
import { refusePromise, settled } from "../base/promise-check.js";
import type { Aggregate, Aggregates } from "./aggregates.js";
import type { AnyFunction } from "./contract.js";

export interface AccumulatorCode {
  readonly numberCells: number;
  readonly objectCells: number;
  /** Values that the statements name. */
  readonly bindings: ReadonlyMap<string, unknown>;
  /** Statements over `f`, `b` (first number cell), `o`, `q` (first object cell). */
  readonly reset: string;
  /** ... and `r`, the record. */
  readonly add: string;
  /** ... and `p`, a partial. */
  readonly addPartial: string;
  /** ... and `f2`, `b2`, `o2`, `q2`, the other group. */
  readonly merge: string;
  /** Expression: a partial without its key and pane, `c0: f[b], ...`. */
  readonly partialFields: string;
  /** Statements: the same into the partial `p`. */
  readonly fillPartial: string;
  /** Expression: the result object. */
  readonly result: string;
  readonly functions: readonly AnyFunction[];
  /** Names and kinds of the aggregates, in order. */
  readonly layout: string;
}

interface Parts {
  reset: string[];
  add: string[];
  addPartial: string[];
  merge: string[];
  partial: string[];
  result: string[];
  bindings: Map<string, unknown>;
  functions: AnyFunction[];
  numbers: number;
  objects: number;
}

export interface CellOptions {
  /** Partials also say in `n` how many records they stand for. */
  readonly counted?: boolean;
  /** Cells before those of the aggregates, which are somebody else's. */
  readonly before?: number;
}

export function accumulatorCode(aggregates: Aggregates<any>, options: CellOptions = {}): AccumulatorCode {
  const { counted = false, before = 0 } = options;
  const parts: Parts = {
    reset: [],
    add: [],
    addPartial: [],
    merge: [],
    partial: [],
    result: [],
    bindings: new Map<string, unknown>([
      ["number", isNumber],
      ["refuse", refusePromise],
      ["settled", settled],
    ]),
    functions: [],
    numbers: before,
    objects: 0,
  };
  for (const [name, aggregate] of Object.entries(aggregates)) append(parts, name, aggregate);
  if (counted) appendCounter(parts);
  return {
    numberCells: parts.numbers,
    objectCells: parts.objects,
    bindings: parts.bindings,
    reset: parts.reset.join(" "),
    add: parts.add.join("\n"),
    addPartial: parts.addPartial.join("\n"),
    merge: parts.merge.join("\n"),
    partialFields: parts.partial.join(", "),
    fillPartial: parts.partial.map((field) => `p.${field.replace(":", " =")};`).join(" "),
    result: `({${parts.result.join(", ")}})`,
    functions: parts.functions,
    layout: Object.entries(aggregates)
      .map(([name, { kind }]) => `${name}: ${kind}`)
      .join(", "),
  };
}

function appendCounter(parts: Parts): void {
  const index = parts.numbers++;
  const mine = `f[b + ${index}]`;
  parts.reset.push(`${mine} = 0;`);
  parts.add.push(`${mine} += 1;`);
  parts.partial.push(`n: ${mine}`);
  fold(parts, (other) => `${mine} += ${other};`, { other: `f2[b2 + ${index}]`, partial: "p.n" });
}

/** Adds one aggregate's statements. */
function append(parts: Parts, name: string, aggregate: Aggregate<any, any>): void {
  const id = parts.numbers + parts.objects;
  const select = `s${id}`;
  if (aggregate.select !== undefined) {
    parts.bindings.set(select, aggregate.select);
    parts.functions.push(aggregate.select);
  }
  const key = JSON.stringify(name);
  const value = `x${id}`;
  const read = `const ${value} = ${select}(r);`;
  const given = `if (typeof ${value} === "number" || number(${value}, ${key}))`;
  const cell = () => {
    const index = parts.numbers++;
    parts.partial.push(`c${index}: f[b + ${index}]`);
    return { mine: `f[b + ${index}]`, other: `f2[b2 + ${index}]`, partial: `p.c${index}` };
  };
  switch (aggregate.kind) {
    case "count": {
      const c = cell();
      parts.reset.push(`${c.mine} = 0;`);
      const counts = `${read} if (${value}) { if (${value} !== true) refuse(${value}); ${c.mine} += 1; }`;
      parts.add.push(aggregate.select === undefined ? `${c.mine} += 1;` : counts);
      fold(parts, (other) => `${c.mine} += ${other};`, c);
      parts.result.push(`${key}: ${c.mine}`);
      return;
    }
    case "sum": {
      const c = cell();
      parts.reset.push(`${c.mine} = 0;`);
      parts.add.push(`${read} ${given} ${c.mine} += ${value};`);
      fold(parts, (other) => `${c.mine} += ${other};`, c);
      parts.result.push(`${key}: ${c.mine}`);
      return;
    }
    case "min":
    case "max": {
      const c = cell();
      const [none, better] = aggregate.kind === "min" ? ["Infinity", "<"] : ["-Infinity", ">"];
      parts.reset.push(`${c.mine} = ${none};`);
      parts.add.push(`${read} ${given} { if (${value} ${better} ${c.mine}) ${c.mine} = ${value}; }`);
      fold(parts, (other) => `if (${other} ${better} ${c.mine}) ${c.mine} = ${other};`, c);
      parts.result.push(`${key}: ${c.mine} === ${none} ? null : ${c.mine}`);
      return;
    }
    case "avg": {
      const [c, n] = [cell(), cell()];
      parts.reset.push(`${c.mine} = 0; ${n.mine} = 0;`);
      parts.add.push(`${read} ${given} { ${c.mine} += ${value}; ${n.mine} += 1; }`);
      fold(parts, (other) => `${c.mine} += ${other};`, c);
      fold(parts, (other) => `${n.mine} += ${other};`, n);
      parts.result.push(`${key}: ${n.mine} === 0 ? null : ${c.mine} / ${n.mine}`);
      return;
    }
    case "custom":
      appendCustom(parts, key, aggregate, `a${id}`);
  }
}

function fold(
  parts: Parts,
  statement: (other: string) => string,
  cell: { other: string; partial: string },
): void {
  parts.merge.push(statement(cell.other));
  parts.addPartial.push(statement(cell.partial));
}

function appendCustom(parts: Parts, key: string, aggregate: Aggregate<any, any>, name: string): void {
  const functions = aggregate.custom!;
  parts.bindings.set(name, functions);
  parts.functions.push(functions.create, functions.add, functions.merge, functions.result);
  const index = parts.objects++;
  const mine = `o[q + ${index}]`;
  parts.partial.push(`o${index}: ${mine}`);
  parts.reset.push(`${mine} = settled(${name}.create());`);
  parts.add.push(`${mine} = settled(${name}.add(${mine}, r));`);
  parts.merge.push(`${mine} = settled(${name}.merge(${mine}, o2[q2 + ${index}]));`);
  parts.addPartial.push(`${mine} = settled(${name}.merge(${mine}, p.o${index}));`);
  parts.result.push(`${key}: settled(${name}.result(${mine}))`);
}

/** False for a missing value, an error for what is no number. */
export function isNumber(value: unknown, name: string): value is number {
  if (typeof value === "number") return true;
  if (value === null || value === undefined) return false;
  refusePromise(value);
  throw new MillraceError("AGGREGATE_NOT_NUMBER", `aggregate "${name}" was given a ${typeof value}`);
}
