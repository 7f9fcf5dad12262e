// @hot one look at the clock a turn; guarded by benchmarks/nexmark (q12)
/**
 * Windows by processing time: those of window-aggregate.ts, with the wall clock in the place of timestamps and
 * watermarks. All records of a turn are of one time, which never goes back: a clock that was set back, or that of
 * another machine, would find the windows of its time closed.
 */
import type { Operator, OperatorContext } from "./contract.js";

/** What windows are when somebody else says what time it is. */
export interface TimedWindows {
  /** Times before this belong to windows that have all closed. */
  readonly closedBefore: number;
  element(record: unknown, timestamp: number): void;
  /** Gives out what ends at or before `time + 1`. False: suspended by the gate. */
  advance(time: number): boolean;
  /** The end of the next window that holds anything; Infinity where there is none. */
  nextEnd(): number;
}

export class WindowByClock implements Operator {
  private readonly context: OperatorContext;
  private readonly windows: TimedWindows;
  /** Now, as of this turn; NaN until somebody asks. */
  private now = Number.NaN;
  /** Windows up to here are being given out; NaN when none are. */
  private until = Number.NaN;

  constructor(context: OperatorContext, windows: TimedWindows) {
    this.context = context;
    this.windows = windows;
  }

  element(record: unknown): void {
    if (Number.isNaN(this.now)) this.now = Math.max(this.context.wallNow(), this.windows.closedBefore);
    this.windows.element(record, this.now);
  }

  rest(): void {
    this.now = Number.NaN;
    if (!Number.isNaN(this.until)) return;
    const end = this.windows.nextEnd();
    if (end === Number.POSITIVE_INFINITY) return;
    const now = this.context.wallNow();
    if (end > now) return;
    this.until = now;
    this.context.wake();
  }

  proceed(): boolean {
    if (Number.isNaN(this.until)) return true;
    if (!this.windows.advance(this.until - 1)) return false;
    this.until = Number.NaN;
    return true;
  }
}
