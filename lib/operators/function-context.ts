/** What a user's function is told of where it runs, and what it tells of itself: metrics and accumulators. */
import type { FunctionMetrics } from "../metrics/function-metrics.js";
import type { Accumulator, LocalAccumulator } from "./job-accumulators.js";

/** What `open` is given, and functions that are objects with each record. */
export interface FunctionContext {
  readonly job: string;
  readonly operator: string;
  readonly subtask: number;
  /** Subtasks of the operator. */
  readonly parallelism: number;
  /** Counts the starts of this run from 1. */
  readonly attempt: number;
  /** Aborted when the task ends, for whatever reason. */
  readonly signal: AbortSignal;
  readonly metrics: FunctionMetrics;
  /** This subtask's part of an accumulator that the job has declared. Throws ACCUMULATOR_INVALID for any other. */
  accumulator<T, R>(declared: Accumulator<T, R>): LocalAccumulator<T, R>;
}

/** Functions of one operator that are called around all others. Both may answer with a promise, which is awaited. */
export interface FunctionLifecycle {
  /**
   * Before the first record of a subtask; its state is restored by then. What it throws fails the job, with the
   * operator's name.
   */
  open?(context: FunctionContext): void | Promise<void>;
  /**
   * Once for each `open` that was begun: behind the last record, or when the job fails or is cancelled; then it has a
   * third of a second, and is not called where its thread dies. What it throws behind the last record fails the job.
   */
  close?(): void | Promise<void>;
}
