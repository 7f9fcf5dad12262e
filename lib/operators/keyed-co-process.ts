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

export interface KeyedCoProcessFunctions extends KeyedFunctions {
  readonly first: AnyFunction;
  readonly second: AnyFunction;
}

export interface KeyedCoProcessSpec {
  readonly keys: readonly [AnyFunction, AnyFunction];
  readonly state: KeyedDescriptors;
  readonly functions: KeyedCoProcessFunctions;
  readonly onError?: ErrorPolicy | undefined;
}

/** Two streams of equal keys: a function for the records of each, over the same state and timers. */
export function keyedCoProcessLogic(spec: KeyedCoProcessSpec): OperatorLogic {
  const { first, second, timer } = spec.functions;
  checkNames(spec.state);
  const functions = [...spec.keys, first, second, timer, ...functionsOf(spec.state)];
  return {
    functions: functions.filter((each) => each !== undefined),
    ...lifecycleFunctions(spec.functions),
    retains: true,
    create: (context) => new KeyedCoProcess(context, spec),
  };
}

class KeyedCoProcess extends KeyedOperator {
  private readonly firstKey: AnyFunction;
  private readonly secondKey: AnyFunction;
  private readonly user: Pick<KeyedCoProcessFunctions, "first" | "second">;

  constructor(context: OperatorContext, spec: KeyedCoProcessSpec) {
    super(context, spec.functions, spec.state);
    [this.firstKey, this.secondKey] = spec.keys;
    this.user = guarded(spec.functions, ["first", "second"], spec.onError, context);
  }

  element(record: unknown, timestamp: number): void {
    this.select(this.firstKey(record), timestamp);
    const returned: unknown = this.user.first(record, this.scope);
    if (returned !== undefined) refusePromise(returned);
  }

  second(record: unknown, timestamp: number): void {
    this.select(this.secondKey(record), timestamp);
    const returned: unknown = this.user.second(record, this.scope);
    if (returned !== undefined) refusePromise(returned);
  }
}
