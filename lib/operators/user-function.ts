/**
 * User functions in both of their forms: a closure, or an object (or an instance of a class) with a function of the
 * operator's name and, around it, `open` and `close`.
 */
import { MillraceError } from "../base/error.js";
import type { AnyFunction, EmitSite, Operator, OperatorContext, OperatorLogic } from "./contract.js";
import type { FunctionContext, FunctionLifecycle } from "./function-context.js";

/** What users give: a closure, or an object with a function of the operator's name. */
export type UserFunction = AnyFunction | object;

/** A function in either form, checked. Throws OPTION_INVALID for what is neither. */
export class CheckedFunction {
  private readonly method: string;
  private readonly closure: AnyFunction | undefined;
  private readonly object: (FunctionLifecycle & Record<string, AnyFunction>) | undefined;

  constructor(given: UserFunction, method: string) {
    this.method = method;
    if (typeof given === "function") this.closure = given;
    else if (isObjectWith(given, method)) this.object = given as never;
    else {
      throw new MillraceError("OPTION_INVALID", `${method} was given ${describe(given)}`, {
        hint: `Give it a function, or an object with a function ${method}() and, if needed, open() and close().`,
      });
    }
  }

  /** What the fingerprint covers and, of an object, what has it opened and closed. */
  get logic(): Pick<OperatorLogic, "functions" | "asyncFunctions"> & Pick<OperatorLogic, "create"> {
    const { closure, object } = this;
    if (closure !== undefined) return { functions: [closure] };
    return {
      ...lifecycleFunctions(object!),
      functions: [object![this.method]!],
      create: (context) => new OpenedFunction(context.lifecycle(object!)),
    };
  }

  /** Source text: a call with the value named. An object's function is called on it, with its context besides. */
  call(site: Pick<EmitSite, "bind">, value: string, opened: Operator | undefined): string {
    const { closure, object, method } = this;
    if (closure !== undefined) return `${site.bind(closure, method)}(${value})`;
    const context = site.bind((opened as OpenedFunction).context, "context");
    return `${site.bind(object, method)}.${method}(${value}, ${context})`;
  }

  /** The same for an operator that is an object itself; it may have something else to tell than the context. */
  within<C = FunctionContext>(context: OperatorContext): (record: unknown, told?: C) => unknown {
    const { closure, object, method } = this;
    if (closure !== undefined) return closure as (record: unknown, told?: C) => unknown;
    const own = context.lifecycle(object!);
    return (record, told) => object![method]!(record, told ?? own);
  }
}

/** Stands among a task's operators for an object whose steps are inline, so that it is opened and closed. */
class OpenedFunction implements Operator {
  readonly context: FunctionContext;

  constructor(context: FunctionContext) {
    this.context = context;
  }

  element(): void {}
}

/** `open` and `close` of an object of functions: part of the fingerprint, and they may be asynchronous. */
export function lifecycleFunctions({ open, close }: FunctionLifecycle): {
  readonly asyncFunctions: readonly AnyFunction[];
} {
  return { asyncFunctions: [open, close].filter((each) => each !== undefined) };
}

function isObjectWith(given: unknown, method: string): boolean {
  if (typeof given !== "object" || given === null) return false;
  return typeof (given as Record<string, unknown>)[method] === "function";
}

function describe(given: unknown): string {
  return typeof given === "object" && given !== null
    ? "an object without such a function"
    : String(given as unknown);
}
