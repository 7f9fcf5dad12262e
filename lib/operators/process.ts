import type { AnyFunction, Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { type ErrorPolicy, guarded } from "./error-policy.js";
import { type OperatorDescriptors, openOperatorState } from "./operator-state.js";
import { FunctionScope } from "./process-context.js";
import { refusePromise } from "./promise-check.js";

export interface ProcessFunctions {
  readonly open?: AnyFunction;
  readonly element: AnyFunction;
  readonly close?: AnyFunction;
}

/** A free function per record that may emit any number of records, also into side outputs. */
export function processLogic(
  functions: ProcessFunctions,
  state: OperatorDescriptors = {},
  onError?: ErrorPolicy,
): OperatorLogic {
  const { open, element, close } = functions;
  return {
    functions: [open, element, close].filter((each) => each !== undefined),
    retains: Object.keys(state).length > 0,
    create: (context) =>
      new Process(context, { ...functions, element: guarded(element, onError, context) }, state),
  };
}

class Process implements Operator {
  private readonly functions: ProcessFunctions;
  private readonly scope: FunctionScope;

  constructor(context: OperatorContext, functions: ProcessFunctions, state: OperatorDescriptors) {
    this.functions = functions;
    this.scope = new FunctionScope(context, openOperatorState(state, context.parts));
  }

  open(): void {
    this.functions.open?.({ subtask: this.scope.subtask });
  }

  element(record: unknown, timestamp: number): void {
    this.scope.timestamp = timestamp;
    const returned: unknown = this.functions.element(record, this.scope);
    if (returned !== undefined) refusePromise(returned);
  }

  advance(watermark: number): boolean {
    this.scope.watermark = watermark;
    return true;
  }

  close(): void {
    this.functions.close?.();
  }
}
