// @hot one call per record, one emit per result; guarded by benchmarks/nexmark
import { MillraceError } from "../base/error.js";
import type { AnyFunction, Operator, OperatorContext, OperatorLogic } from "./contract.js";

/** One record in, any iterable out: a cursor that suspends when an output's overflow is full. */
export function flatMapLogic(expand: AnyFunction): OperatorLogic {
  return {
    functions: [expand],
    create: (context) => new FlatMap(context, expand as (record: unknown) => Iterable<unknown>),
  };
}

export class FlatMap implements Operator {
  private readonly context: OperatorContext;
  private readonly expand: (record: unknown) => Iterable<unknown>;
  private open_: Iterator<unknown> | undefined;
  private timestamp = Number.NaN;

  constructor(context: OperatorContext, expand: (record: unknown) => Iterable<unknown>) {
    this.context = context;
    this.expand = expand;
  }

  element(record: unknown, timestamp: number): void {
    const results = this.expand(record);
    const { out, gate } = this.context;
    if (Array.isArray(results)) {
      let i = 0;
      for (; i < results.length && gate.level < 2; i++) out(results[i], timestamp);
      if (i === results.length) return;
      this.open_ = results.slice(i)[Symbol.iterator]();
    } else {
      if (results === null || results === undefined || typeof results[Symbol.iterator] !== "function") {
        throw new MillraceError("USER_FUNCTION_FAILED", "flatMap must return an array or another iterable");
      }
      this.open_ = results[Symbol.iterator]();
    }
    this.timestamp = timestamp;
    this.proceed();
  }

  proceed(): boolean {
    const iterator = this.open_;
    if (iterator === undefined) return true;
    const { out, gate } = this.context;
    while (gate.level < 2) {
      const step = iterator.next();
      if (step.done === true) {
        this.open_ = undefined;
        return true;
      }
      out(step.value, this.timestamp);
    }
    return false;
  }
}
