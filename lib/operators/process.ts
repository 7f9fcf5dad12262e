import { refusePromise } from "../base/promise-check.js";
import type { AnyFunction, Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { type ErrorPolicy, guarded } from "./error-policy.js";
import type { FunctionLifecycle } from "./function-context.js";
import { type OperatorDescriptors, openOperatorState } from "./operator-state.js";
import { FunctionScope } from "./process-context.js";
import { lifecycleFunctions } from "./user-function.js";

export interface ProcessFunctions extends FunctionLifecycle {
  readonly element: AnyFunction;
}

/** A free function per record that may emit any number of records, also into side outputs. */
export function processLogic(
  functions: ProcessFunctions,
  state: OperatorDescriptors = {},
  onError?: ErrorPolicy,
): OperatorLogic {
  return {
    functions: [functions.element],
    ...lifecycleFunctions(functions),
    retains: Object.keys(state).length > 0,
    create: (context) => new Process(context, functions, state, onError),
  };
}

class Process implements Operator {
  private readonly user: Pick<ProcessFunctions, "element">;
  private readonly scope: FunctionScope;

  constructor(
    context: OperatorContext,
    functions: ProcessFunctions,
    state: OperatorDescriptors,
    onError: ErrorPolicy | undefined,
  ) {
    this.user = guarded(functions, ["element"], onError, context);
    this.scope = new FunctionScope(
      context,
      context.lifecycle(functions),
      openOperatorState(state, context.parts),
    );
  }

  element(record: unknown, timestamp: number): void {
    this.scope.timestamp = timestamp;
    const returned: unknown = this.user.element(record, this.scope);
    if (returned !== undefined) refusePromise(returned);
  }

  advance(watermark: number): boolean {
    this.scope.watermark = watermark;
    return true;
  }
}
