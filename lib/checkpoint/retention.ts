/** Which checkpoints are kept: the newest ones while the job runs, and by the user's wish when it has ended. */

/**
 * `delete`: none outlives the job. `retain-on-failure`: only those of a job that failed. `retain`: also those of
 * one that was cancelled or suspended. A job that finished needs none.
 */
export type Retention = "delete" | "retain-on-failure" | "retain";

/** How a job ended. Suspended: its coordinator went away, the job did not end by itself. */
export type JobOutcome = "finished" | "failed" | "cancelled" | "suspended";

export function keepsCheckpoints(retention: Retention, outcome: JobOutcome): boolean {
  if (outcome === "finished" || retention === "delete") return false;
  return retention === "retain" || outcome === "failed";
}
