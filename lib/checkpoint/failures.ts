/**
 * Why checkpoints fail, and when so many have that the job does. Pure.
 *
 * Flink 1.14 overlooks checkpoints that fail while they are triggered or completed; here they count.
 *
 * Called by: coordinator. May import: base.
 */
import { MillraceError } from "../base/error.js";
import type { Barrier } from "./barrier.js";

interface ReasonEntry {
  readonly text: string;
  /** Failures in a row with such a reason fail the job. */
  readonly counts: boolean;
  /** No task has been told of the checkpoint yet. */
  readonly preflight: boolean;
}

const reason = (text: string, kind: { counts?: true; preflight?: true } = {}): ReasonEntry => ({
  text,
  counts: kind.counts === true,
  preflight: kind.preflight === true,
});

/** Every reason with its text, as statistics show it. */
export const failureReasons = {
  "scheduler-stopped": reason("Periodic checkpoints have been switched off.", { preflight: true }),
  "too-many-requests": reason("Too many checkpoints were asked for.", { preflight: true }),
  "min-pause": reason("The least pause between checkpoints was not over.", { preflight: true }),
  "tasks-not-running": reason("Not all tasks that take part were running.", { preflight: true }),
  "storage-failed": reason("The checkpoint's storage failed.", { preflight: true, counts: true }),
  "trigger-failed": reason("Triggering the checkpoint failed.", { counts: true }),
  declined: reason("A task could not take its snapshot.", { counts: true }),
  "write-failed": reason("A task could not write its snapshot.", { counts: true }),
  expired: reason("The checkpoint was not complete in time.", { counts: true }),
  "complete-failed": reason("The complete checkpoint could not be stored.", { counts: true }),
  subsumed: reason("A later checkpoint was complete before it."),
  "declined-not-ready": reason("A task was not ready for checkpoints yet."),
  "declined-closing": reason("A task was about to end."),
  "declined-subsumed": reason("A task went on with a later checkpoint."),
  "declined-cancelled": reason("A task was told that the checkpoint is cancelled."),
  "union-partly-finished": reason("Some but not all subtasks of an operator with union state had finished."),
  "task-failed": reason("A task failed."),
  "job-failed": reason("The job failed or is restarting."),
  "job-ended": reason("The job was cancelled, stopped or has finished."),
} as const satisfies Record<string, ReasonEntry>;

/** Why a checkpoint failed or was never begun. */
export type FailureReason = keyof typeof failureReasons;

export interface CheckpointFailure {
  readonly reason: FailureReason;
  /** Undefined when it failed before it had an id. */
  readonly checkpoint: number | undefined;
  readonly purpose: Barrier["purpose"];
  /** A task failed it, not the coordinator. */
  readonly atTask: boolean;
  readonly cause?: unknown;
}

/** Counts failures in a row. `tolerable`: how many are endured; the one after fails the job. */
export class FailureCounter {
  private readonly tolerable: number;
  private readonly counted = new Set<number>();
  private count = 0;
  private lastSuccess = 0;

  constructor(tolerable = 0) {
    this.tolerable = tolerable;
  }

  /** The error with which the job has to fail, if it has to. The count starts anew then. */
  onFailure(failure: CheckpointFailure): MillraceError | undefined {
    const { checkpoint, purpose, cause } = failure;
    if (purpose !== "checkpoint") return failure.atTask ? stopFailed(failure) : undefined;
    if (!failureReasons[failure.reason].counts) return undefined;
    if (checkpoint !== undefined) {
      if (checkpoint < this.lastSuccess || this.counted.has(checkpoint)) return undefined;
      this.counted.add(checkpoint);
    }
    this.count++;
    if (this.count <= this.tolerable) return undefined;
    const count = this.count;
    this.reset();
    return new MillraceError(
      "CHECKPOINTS_FAILED",
      `${count === 1 ? "a checkpoint" : `${count} checkpoints in a row`} failed, ` +
        `${this.tolerable} tolerated; the last: ${failureReasons[failure.reason].text}`,
      cause === undefined ? {} : { cause },
    );
  }

  onSuccess(checkpoint: number): void {
    this.lastSuccess = Math.max(this.lastSuccess, checkpoint);
    this.reset();
  }

  private reset(): void {
    this.count = 0;
    this.counted.clear();
  }
}

/**
 * A task that has taken part in a stop waits for its completion and cannot go on: only a restart helps. A
 * plain savepoint that fails hurts nobody but its caller.
 */
function stopFailed({ purpose, reason: why, cause }: CheckpointFailure): MillraceError | undefined {
  if (purpose === "savepoint") return undefined;
  return new MillraceError(
    "STOP_FAILED",
    `the savepoint that was to stop the job failed: ${failureReasons[why].text}`,
    cause === undefined ? {} : { cause },
  );
}
