// @hot one call per record

import { refusePromise } from "../base/promise-check.js";
import type { BroadcastDescriptor, MapState } from "../state/contract.js";
import type { AnyFunction, OperatorContext, OperatorLogic } from "./contract.js";
import { type ErrorPolicy, guarded } from "./error-policy.js";
import type { FunctionContext } from "./function-context.js";
import {
  checkNames,
  functionsOf,
  type KeyedDescriptors,
  type KeyedFunctions,
  KeyedOperator,
} from "./keyed-operator.js";
import { openOperatorState, readOnly } from "./operator-state.js";
import { FunctionScope } from "./process-context.js";
import { lifecycleFunctions } from "./user-function.js";

export interface BroadcastFunctions extends KeyedFunctions {
  readonly element: AnyFunction;
  readonly broadcastElement: AnyFunction;
}

export interface BroadcastProcessSpec {
  readonly key: AnyFunction;
  readonly state: KeyedDescriptors;
  readonly broadcast: BroadcastDescriptor<any, any>;
  readonly functions: BroadcastFunctions;
  readonly onError?: ErrorPolicy | undefined;
}

/** A keyed stream and a broadcast one: each broadcast record changes a map that the records of keys read. */
export function broadcastProcessLogic(spec: BroadcastProcessSpec): OperatorLogic {
  const { element, broadcastElement, timer } = spec.functions;
  checkNames(spec.state);
  const functions = [spec.key, element, broadcastElement, timer, ...functionsOf(spec.state)];
  return {
    functions: functions.filter((each) => each !== undefined),
    ...lifecycleFunctions(spec.functions),
    retains: true,
    create: (context) => new BroadcastProcess(context, spec),
  };
}

/** The context of `broadcastElement`: no key, and the broadcast state may be written. */
class BroadcastScope extends FunctionScope {
  readonly broadcast: MapState<unknown, unknown>;

  constructor(context: OperatorContext, functions: FunctionContext, broadcast: MapState<unknown, unknown>) {
    super(context, functions, {});
    this.broadcast = broadcast;
  }
}

class BroadcastProcess extends KeyedOperator {
  private readonly key: AnyFunction;
  private readonly user: Pick<BroadcastFunctions, "element" | "broadcastElement">;
  private readonly broadcastScope: BroadcastScope;

  constructor(context: OperatorContext, spec: BroadcastProcessSpec) {
    super(context, spec.functions, spec.state);
    this.key = spec.key;
    this.user = guarded(spec.functions, ["element", "broadcastElement"], spec.onError, context);
    const { broadcast } = openOperatorState({ broadcast: spec.broadcast }, context.parts);
    const state = broadcast as MapState<unknown, unknown>;
    this.scope.broadcast = readOnly(state);
    this.broadcastScope = new BroadcastScope(context, context.lifecycle({}), state);
  }

  element(record: unknown, timestamp: number): void {
    this.select(this.key(record), timestamp);
    const returned: unknown = this.user.element(record, this.scope);
    if (returned !== undefined) refusePromise(returned);
  }

  second(record: unknown, timestamp: number): void {
    const scope = this.broadcastScope;
    scope.timestamp = timestamp;
    scope.watermark = this.scope.watermark;
    const returned: unknown = this.user.broadcastElement(record, scope);
    if (returned !== undefined) refusePromise(returned);
  }
}
