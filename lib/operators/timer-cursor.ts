// @hot looks at the clock once in some timers
/**
 * Fires the timers of an operator, in order of time, through a cursor. In event time it runs in `advance`, before
 * the watermark goes on. In processing time the clock is looked at in `rest`, and `proceed` fires what was due
 * then. Both stop at a closed gate, and after a while for the sake of everything else in the slot.
 */
import type { Timers } from "../time/timers.js";
import type { OperatorContext } from "./contract.js";
import { RoundLimit } from "./round-limit.js";

/** After how many timers the cursor looks at the clock. */
const TIMERS_PER_LOOK = 16;

export class TimerCursor {
  private readonly context: OperatorContext;
  private readonly timers: Timers;
  private readonly limit: RoundLimit;
  /** Called with the timer's key selected in `timers`. False: suspended, with the timer taken. */
  private readonly fire: (time: number, processing: boolean) => unknown;
  /** Processing-time timers were due when the task last rested. */
  private due = false;

  constructor(
    context: OperatorContext,
    timers: Timers,
    fire: (time: number, processing: boolean) => unknown,
  ) {
    this.context = context;
    this.timers = timers;
    this.limit = new RoundLimit(context, TIMERS_PER_LOOK);
    this.fire = fire;
  }

  advance(watermark: number): boolean {
    const { timers, context, limit } = this;
    limit.begin();
    while (timers.nextEvent() <= watermark) {
      if (context.gate.level !== 0) return false;
      if (this.fire(timers.takeEvent(), false) === false) return false;
      if (limit.isOver()) return false;
    }
    return true;
  }

  rest(): void {
    if (this.due) return;
    const next = this.timers.nextProcessing();
    if (Number.isNaN(next) || next > this.context.wallNow()) return;
    this.due = true;
    this.context.wake();
  }

  proceed(): boolean {
    const { timers, context, limit } = this;
    if (!this.due) return true;
    const until = context.wallNow();
    limit.begin();
    while (timers.nextProcessing() <= until) {
      if (context.gate.level !== 0) return false;
      if (this.fire(timers.takeProcessing(), true) === false) return false;
      // The others next turn: unlike event time they hold nothing up.
      if (limit.isOver()) return true;
    }
    this.due = false;
    return true;
  }
}
