// @hot looks at the clock once in some steps
/**
 * Ends a cursor's go when it has taken a round's time, for the sake of everything else in the slot.
 *
 * The clock begins at the first look at it: the steps before are few.
 */
import { ROUND_MS } from "../base/limits.js";
import type { OperatorContext } from "./contract.js";

export class RoundLimit {
  private readonly context: OperatorContext;
  /** Steps between two looks at the clock. */
  private readonly stride: number;
  private steps = 0;
  private started = Number.NaN;

  constructor(context: OperatorContext, stride: number) {
    this.context = context;
    this.stride = stride;
  }

  /** The cursor begins, or goes on. */
  begin(): void {
    this.steps = 0;
    this.started = Number.NaN;
  }

  /** After a step. True: the time is up, and the slot has been woken so that the rest follows. */
  isOver(): boolean {
    if (++this.steps % this.stride !== 0) return false;
    const now = this.context.now();
    if (Number.isNaN(this.started)) this.started = now;
    if (now - this.started < ROUND_MS) return false;
    this.context.wake();
    return true;
  }
}
