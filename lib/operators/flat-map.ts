// @hot one call per record, one emit per result; guarded by benchmarks/nexmark
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";
import type { SourcePosition } from "../source/contract.js";
import type { Operator, OperatorContext, OperatorLogic } from "./contract.js";
import { type ErrorPolicy, failureHandler, type OnFailure } from "./error-policy.js";
import { CheckedFunction, type UserFunction } from "./user-function.js";

/** One record in, any iterable out: a cursor that suspends when an output's overflow is full. */
export function flatMapLogic(expand: UserFunction, onError?: ErrorPolicy): OperatorLogic {
  const user = new CheckedFunction(expand, "flatMap");
  return {
    ...user.logic,
    create(context) {
      const onFailure = failureHandler(onError, context);
      const give = user.within(context) as (record: unknown) => Iterable<unknown>;
      return onFailure === undefined
        ? new FlatMap(context, give)
        : new GuardedFlatMap(context, give, onFailure);
    },
  };
}

export class FlatMap implements Operator {
  private readonly context: OperatorContext;
  private readonly expand: (record: unknown) => Iterable<unknown>;
  private open_: Iterator<unknown> | undefined;
  private timestamp = Number.NaN;
  /** Came while it was suspended, from a function that emits without looking at the gate. */
  private waiting: { readonly record: unknown; readonly timestamp: number }[] = [];

  constructor(context: OperatorContext, expand: (record: unknown) => Iterable<unknown>) {
    this.context = context;
    this.expand = expand;
  }

  element(record: unknown, timestamp: number): void {
    if (this.open_ !== undefined) {
      this.waiting.push({ record, timestamp });
      return;
    }
    this.begin(record, timestamp);
    if (this.open_ !== undefined) this.proceed();
  }

  proceed(): boolean {
    while (this.open_ !== undefined) {
      if (!this.give(this.open_)) return false;
      this.open_ = undefined;
      this.takeWaiting();
    }
    return true;
  }

  /** Until one is suspended. */
  private takeWaiting(): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    let taken = 0;
    while (taken < waiting.length && this.open_ === undefined) {
      const { record, timestamp } = waiting[taken++]!;
      this.begin(record, timestamp);
    }
    this.waiting = waiting.slice(taken);
  }

  /** Emits what there is room for; what is left is open then. */
  protected begin(record: unknown, timestamp: number): void {
    const results = this.expand(record);
    const { out, gate } = this.context;
    if (Array.isArray(results)) {
      // An array of promises, as `ids.map(async ...)` gives it, is told by its first.
      refusePromise(results[0]);
      let i = 0;
      for (; i < results.length && gate.level < 2; i++) out(results[i], timestamp);
      if (i === results.length) return;
      this.open_ = results.slice(i)[Symbol.iterator]();
    } else {
      refusePromise(results);
      if (results === null || results === undefined || typeof results[Symbol.iterator] !== "function") {
        throw new MillraceError("USER_FUNCTION_FAILED", "flatMap must return an array or another iterable");
      }
      this.open_ = results[Symbol.iterator]();
    }
    this.timestamp = timestamp;
  }

  protected give(iterator: Iterator<unknown>): boolean {
    const { out, gate } = this.context;
    while (gate.level < 2) {
      const step = iterator.next();
      if (step.done === true) return true;
      out(step.value, this.timestamp);
    }
    return false;
  }
}

/** Of a record whose function throws, what it gave before stays; the rest is left out. */
class GuardedFlatMap extends FlatMap {
  private timestampInHand = Number.NaN;
  private readonly position: () => SourcePosition | undefined;
  /** Where the record was read that is being suspended: when it goes on nobody else knows any more. */
  private suspendedFrom: SourcePosition | undefined;

  constructor(
    context: OperatorContext,
    expand: (record: unknown) => Iterable<unknown>,
    onFailure: OnFailure,
  ) {
    super(context, (record) => {
      const failed = (error: unknown) => onFailure(error, record, this.timestampInHand, this.suspendedFrom);
      try {
        const results = expand(record);
        const isLazy = !Array.isArray(results) && typeof results?.[Symbol.iterator] === "function";
        return isLazy ? untilFailure(results, failed) : results;
      } catch (error) {
        failed(error);
        return [];
      }
    });
    this.position = context.sourcePosition;
  }

  protected override begin(record: unknown, timestamp: number): void {
    this.timestampInHand = timestamp;
    this.suspendedFrom = undefined;
    super.begin(record, timestamp);
  }

  protected override give(iterator: Iterator<unknown>): boolean {
    const isThrough = super.give(iterator);
    if (!isThrough) this.suspendedFrom ??= this.position();
    return isThrough;
  }
}

function* untilFailure(results: Iterable<unknown>, failed: (error: unknown) => void): Generator<unknown> {
  const iterator = results[Symbol.iterator]();
  for (;;) {
    let step: IteratorResult<unknown>;
    try {
      step = iterator.next();
    } catch (error) {
      failed(error);
      return;
    }
    if (step.done === true) return;
    yield step.value;
  }
}
