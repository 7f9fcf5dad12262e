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

/** What a job's options say about barriers. */
export interface BarrierOptions {
  readonly mode: "exactly-once" | "at-least-once";
  /** Barriers may overtake records. Has no effect at least once. */
  readonly unaligned: boolean;
  /** With `unaligned`: begin aligned and overtake only after this long, ms; 0: overtake at once. */
  readonly alignedTimeoutMs: number;
}

/** How a barrier travels. Only checkpoints overtake: a savepoint holds no records in flight. */
export function barrierAlignment(
  options: BarrierOptions,
  purpose: Barrier["purpose"],
): Pick<Barrier, "alignment" | "alignedTimeoutMs"> {
  if (options.mode === "at-least-once") return { alignment: "at-least-once", alignedTimeoutMs: 0 };
  if (!options.unaligned || purpose !== "checkpoint") return { alignment: "aligned", alignedTimeoutMs: 0 };
  const { alignedTimeoutMs } = options;
  return alignedTimeoutMs > 0
    ? { alignment: "aligned", alignedTimeoutMs }
    : { alignment: "unaligned", alignedTimeoutMs: 0 };
}
