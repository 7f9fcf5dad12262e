/** How a window's result leaves the operator: made into a record, into several, or by a function with a context. */
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";
import type { Window } from "../time/windows.js";
import type { AnyFunction, OperatorContext } from "./contract.js";
import type { FunctionContext, FunctionLifecycle } from "./function-context.js";
import type { KeyedDescriptors } from "./keyed-operator.js";
import { FunctionScope } from "./process-context.js";
import type { RowCursor } from "./row-cursor.js";

/** The functions of a window function. */
export interface WindowFunctions extends FunctionLifecycle {
  readonly window: AnyFunction;
  readonly clear?: AnyFunction;
}

/** Makes rows of what a window fires; must not look at the window's contents later. */
export type RowsOf = (input: any, place: { key: unknown; window: Window }) => Iterable<unknown>;

/** What becomes of a window's result. */
export type ResultSpec =
  /** (result, {key, window}) => record. */
  | { readonly kind: "project"; readonly project: AnyFunction }
  /** (what the window fires, {key, window}) => any iterable of records; `functions` are the user's in it. */
  | { readonly kind: "rows"; readonly rows: RowsOf; readonly functions: readonly AnyFunction[] }
  | {
      readonly kind: "function";
      readonly functions: WindowFunctions;
      readonly state: KeyedDescriptors;
      readonly windowState: KeyedDescriptors;
      /** Takes what the function is given out of the aggregates. */
      readonly input: AnyFunction | undefined;
    };

/** The context of a window's functions. */
export class WindowScope extends FunctionScope {
  key: unknown;
  window: Window = { start: Number.NaN, end: Number.NaN };
  readonly windowState: Readonly<Record<string, unknown>>;

  constructor(
    context: OperatorContext,
    functions: FunctionContext,
    state: Readonly<Record<string, unknown>>,
    windowState: Readonly<Record<string, unknown>>,
  ) {
    super(context, functions, state);
    this.windowState = windowState;
  }
}

/** Gives out the result of the window that the scope speaks of; rows by way of the cursor. */
export function openResult(
  spec: ResultSpec,
  { out }: OperatorContext,
  scope: WindowScope,
  cursor: RowCursor,
): (input: unknown) => void {
  if (spec.kind === "function") {
    const { functions, input } = spec;
    return (given) => {
      const returned: unknown = functions.window(input === undefined ? given : input(given), scope);
      if (returned !== undefined) refusePromise(returned);
    };
  }
  if (spec.kind === "rows") {
    const { rows } = spec;
    return (input) =>
      cursor.begin(iterable(rows(input, { key: scope.key, window: scope.window })), scope.timestamp);
  }
  const { project } = spec;
  return (input) => {
    const row: unknown = project(input, { key: scope.key, window: scope.window });
    refusePromise(row);
    out(row, scope.timestamp);
  };
}

function iterable(rows: Iterable<unknown>): Iterable<unknown> {
  if (typeof rows?.[Symbol.iterator] === "function") return rows;
  refusePromise(rows);
  throw new MillraceError("USER_FUNCTION_FAILED", "the function must return an array or another iterable");
}

/** A keyed window's result as it is by default. */
export function projectKeyed(result: object, place: { key: unknown; window: Window }): unknown {
  return { key: place.key, windowStart: place.window.start, windowEnd: place.window.end, ...result };
}

/** The same of windows over all records. */
export function projectAll(result: object, place: { window: Window }): unknown {
  return { windowStart: place.window.start, windowEnd: place.window.end, ...result };
}
