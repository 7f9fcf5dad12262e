/** What a checkpoint is told to the tasks by: a mark in the stream between what is in it and what is not. */
export interface Barrier {
  readonly id: number;
  /** When the coordinator triggered it, wall ms. */
  readonly timestamp: number;
  /** `terminate` advances event time to its end first (`stop --drain`); both stops end the job. */
  readonly purpose: "checkpoint" | "savepoint" | "stop" | "terminate";
  /**
   * aligned: a channel that gave its barrier waits for the others. unaligned: the barrier overtakes records,
   * which become part of the checkpoint. at-least-once: nothing waits.
   */
  readonly alignment: "aligned" | "unaligned" | "at-least-once";
  /** An aligned barrier becomes unaligned when it is not through after this long, ms; 0: never. */
  readonly alignedTimeoutMs: number;
  /** The last checkpoint known to be complete when this one was triggered: what deltas may build on. */
  readonly completed: number;
}
