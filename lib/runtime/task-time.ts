import type { TaskMetrics } from "../metrics/task-metrics.js";

export type Waiting = "busyMs" | "idleMs" | "backPressuredMs";

/**
 * Accounts for a task's time: a turn in which something moved was busy for as long as it took; what had nothing to do
 * waited all the while since its turn before. The rest is waiting for a turn of the host's loop.
 */
export class TaskTime {
  private readonly metrics: TaskMetrics;
  private until = Number.NaN;

  constructor(metrics: TaskMetrics) {
    this.metrics = metrics;
  }

  /** A turn has ended that took `own` ms. */
  spend(now: number, own: number, moved: boolean, waiting: Waiting): void {
    const since = now - this.until;
    this.until = now;
    if (moved) this.metrics.add("busyMs", own);
    else if (since > 0) this.metrics.add(waiting, since);
  }
}
