/** How a window's result leaves the operator: made into a record, into several, or by a function with a context. */
import type { Window } from "../time/windows.js";
import type { AnyFunction, OperatorContext } from "./contract.js";
import type { KeyedDescriptors } from "./keyed-operator.js";
import { FunctionScope } from "./process-context.js";
import { refusePromise } from "./promise-check.js";

/** The functions of a window function. */
export interface WindowFunctions {
  readonly open?: AnyFunction;
  readonly window: AnyFunction;
  readonly clear?: AnyFunction;
  readonly close?: AnyFunction;
}

/** What becomes of a window's result. */
export type ResultSpec =
  /** (result, {key, window}) => record, or an array of records where `many`. */
  | { readonly kind: "project"; readonly project: AnyFunction; readonly many?: boolean }
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
    state: Readonly<Record<string, unknown>>,
    windowState: Readonly<Record<string, unknown>>,
  ) {
    super(context, state);
    this.windowState = windowState;
  }
}

/** Gives out the result of the window that the scope speaks of. */
export function openResult(
  spec: ResultSpec,
  { out }: OperatorContext,
  scope: WindowScope,
): (input: unknown) => void {
  if (spec.kind === "function") {
    const { functions, input } = spec;
    return (given) => {
      const returned: unknown = functions.window(input === undefined ? given : input(given), scope);
      if (returned !== undefined) refusePromise(returned);
    };
  }
  const { project, many } = spec;
  if (many === true) {
    return (input) => {
      const rows = project(input, { key: scope.key, window: scope.window }) as readonly unknown[];
      for (const row of rows) {
        refusePromise(row);
        out(row, scope.timestamp);
      }
    };
  }
  return (input) => {
    const row: unknown = project(input, { key: scope.key, window: scope.window });
    refusePromise(row);
    out(row, scope.timestamp);
  };
}

/** A keyed window's result as it is by default. */
export function projectKeyed(result: object, place: { key: unknown; window: Window }): unknown {
  return { key: place.key, windowStart: place.window.start, windowEnd: place.window.end, ...result };
}

/** The same of windows over all records. */
export function projectAll(result: object, place: { window: Window }): unknown {
  return { windowStart: place.window.start, windowEnd: place.window.end, ...result };
}
