// @hot one emit per row; guarded by test/operators/window-join.test.ts
/**
 * The rows of one firing of a window, given out one by one: a cursor that looks at the gate between them, and once in
 * some rows at the clock, for the sake of everything else in the slot.
 *
 * Invariant: what the rows are made of is a copy; the window may have got more, or be gone, before the last of them.
 */
import { assert } from "../base/assert.js";
import { refusePromise } from "../base/promise-check.js";
import type { OperatorContext } from "./contract.js";
import { RoundLimit } from "./round-limit.js";

/** After how many rows the cursor looks at the clock. */
const ROWS_PER_LOOK = 64;

/** Rows that may know what the next one is made of, for errors. */
interface Rows extends Iterator<unknown> {
  readonly inHand?: unknown;
}

export class RowCursor {
  private readonly context: OperatorContext;
  private readonly limit: RoundLimit;
  private rows: Rows | undefined;
  private timestamp = Number.NaN;

  constructor(context: OperatorContext) {
    this.context = context;
    this.limit = new RoundLimit(context, ROWS_PER_LOOK);
  }

  /** Rows that `give` and `goOn` emit; those of before are through. */
  begin(rows: Iterable<unknown>, timestamp: number): void {
    assert(this.rows === undefined, "rows of a window were begun among those of another");
    this.rows = rows[Symbol.iterator]();
    this.timestamp = timestamp;
  }

  /** Within an element: emits until the gate says to suspend inside it. False: not through. */
  give(): boolean {
    const { rows, timestamp } = this;
    if (rows === undefined) return true;
    const { gate, out } = this.context;
    while (gate.level < 2) {
      const step = this.next(rows);
      if (step.done === true) return this.end();
      out(step.value, timestamp);
    }
    return false;
  }

  /** Where the task may be told to come back: emits as long as the gate is open, and no longer than a round. */
  goOn(): boolean {
    const { rows, timestamp, limit } = this;
    if (rows === undefined) return true;
    const { gate, out } = this.context;
    limit.begin();
    while (gate.level === 0) {
      const step = this.next(rows);
      if (step.done === true) return this.end();
      out(step.value, timestamp);
      if (limit.isOver()) return false;
    }
    return false;
  }

  private next(rows: Rows): IteratorResult<unknown> {
    try {
      const step = rows.next();
      if (step.done !== true) refusePromise(step.value);
      return step;
    } catch (error) {
      return this.context.failed(error, rows.inHand);
    }
  }

  private end(): boolean {
    this.rows = undefined;
    return true;
  }
}
