// @hot one call per record
/** Operators over two streams without keys: a function for the records of each. */

import { refusePromise } from "../base/promise-check.js";
import type { AnyFunction, Emit, Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { type ErrorPolicy, guarded } from "./error-policy.js";
import { FlatMap } from "./flat-map.js";
import type { FunctionLifecycle } from "./function-context.js";
import { type OperatorDescriptors, openOperatorState } from "./operator-state.js";
import { FunctionScope } from "./process-context.js";
import { lifecycleFunctions } from "./user-function.js";

/** One record in, one out, of either stream. */
export function coMapLogic(first: AnyFunction, second: AnyFunction): OperatorLogic {
  return { functions: [first, second], create: (context) => new CoMap(context, first, second) };
}

class CoMap implements Operator {
  private readonly out: Emit;
  private readonly ofFirst: AnyFunction;
  private readonly ofSecond: AnyFunction;

  constructor(context: OperatorContext, first: AnyFunction, second: AnyFunction) {
    this.out = context.out;
    this.ofFirst = first;
    this.ofSecond = second;
  }

  element(record: unknown, timestamp: number): void {
    const result: unknown = this.ofFirst(record);
    refusePromise(result);
    this.out(result, timestamp);
  }

  second(record: unknown, timestamp: number): void {
    const result: unknown = this.ofSecond(record);
    refusePromise(result);
    this.out(result, timestamp);
  }
}

/** One record in, any iterable out, of either stream. */
export function coFlatMapLogic(first: AnyFunction, second: AnyFunction): OperatorLogic {
  return { functions: [first, second], create: (context) => new CoFlatMap(context, first, second) };
}

class CoFlatMap implements Operator {
  private readonly ofFirst: FlatMap;
  private readonly ofSecond: FlatMap;

  constructor(context: OperatorContext, first: AnyFunction, second: AnyFunction) {
    this.ofFirst = new FlatMap(context, first as (record: unknown) => Iterable<unknown>);
    this.ofSecond = new FlatMap(context, second as (record: unknown) => Iterable<unknown>);
  }

  element(record: unknown, timestamp: number): void {
    this.ofFirst.element(record, timestamp);
  }

  second(record: unknown, timestamp: number): void {
    this.ofSecond.element(record, timestamp);
  }

  proceed(): boolean {
    return this.ofFirst.proceed() && this.ofSecond.proceed();
  }
}

export interface CoProcessFunctions extends FunctionLifecycle {
  readonly first: AnyFunction;
  readonly second: AnyFunction;
}

/** A free function per record of either stream. */
export function coProcessLogic(
  user: CoProcessFunctions,
  state: OperatorDescriptors = {},
  onError?: ErrorPolicy,
): OperatorLogic {
  return {
    functions: [user.first, user.second],
    ...lifecycleFunctions(user),
    retains: Object.keys(state).length > 0,
    create: (context) => new CoProcess(context, user, state, onError),
  };
}

class CoProcess implements Operator {
  private readonly user: Pick<CoProcessFunctions, "first" | "second">;
  private readonly scope: FunctionScope;

  constructor(
    context: OperatorContext,
    user: CoProcessFunctions,
    state: OperatorDescriptors,
    onError: ErrorPolicy | undefined,
  ) {
    this.user = guarded(user, ["first", "second"], onError, context);
    this.scope = new FunctionScope(context, context.lifecycle(user), openOperatorState(state, context.parts));
  }

  element(record: unknown, timestamp: number): void {
    this.scope.timestamp = timestamp;
    const returned: unknown = this.user.first(record, this.scope);
    if (returned !== undefined) refusePromise(returned);
  }

  second(record: unknown, timestamp: number): void {
    this.scope.timestamp = timestamp;
    const returned: unknown = this.user.second(record, this.scope);
    if (returned !== undefined) refusePromise(returned);
  }

  advance(watermark: number): boolean {
    this.scope.watermark = watermark;
    return true;
  }
}
