// @hot one call per record

import { refusePromise } from "../base/promise-check.js";
import type { AnyFunction, OperatorContext, OperatorLogic } from "./contract.js";
import { type ErrorPolicy, guarded } from "./error-policy.js";
import {
  checkNames,
  functionsOf,
  type KeyedDescriptors,
  type KeyedFunctions,
  KeyedOperator,
} from "./keyed-operator.js";
import { lifecycleFunctions } from "./user-function.js";

export interface KeyedProcessFunctions extends KeyedFunctions {
  readonly element: AnyFunction;
}

export interface KeyedProcessSpec {
  readonly key: AnyFunction;
  readonly state: KeyedDescriptors;
  readonly functions: KeyedProcessFunctions;
  readonly onError?: ErrorPolicy | undefined;
}

/** A free function per record of a key, with state and timers of that key. */
export function keyedProcessLogic(spec: KeyedProcessSpec): OperatorLogic {
  const { element, timer } = spec.functions;
  checkNames(spec.state);
  return {
    functions: [spec.key, element, timer, ...functionsOf(spec.state)].filter((each) => each !== undefined),
    ...lifecycleFunctions(spec.functions),
    retains: true,
    create: (context) => new KeyedProcess(context, spec),
  };
}

class KeyedProcess extends KeyedOperator {
  private readonly key: AnyFunction;
  private readonly user: Pick<KeyedProcessFunctions, "element">;

  constructor(context: OperatorContext, spec: KeyedProcessSpec) {
    super(context, spec.functions, spec.state);
    this.key = spec.key;
    this.user = guarded(spec.functions, ["element"], spec.onError, context);
  }

  element(record: unknown, timestamp: number): void {
    this.select(this.key(record), timestamp);
    const returned: unknown = this.user.element(record, this.scope);
    if (returned !== undefined) refusePromise(returned);
  }
}
