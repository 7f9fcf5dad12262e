/** A running job as whoever has started it sees it. */
import type { MillraceError } from "./base/error.js";
import type { CheckpointsOverview } from "./checkpoint/statistics.js";
import type { JobProgress, SubtaskMetrics } from "./coordinator/job-metrics.js";
import type { Rescaled, Rescaling } from "./coordinator/job-scaling.js";
import type { ResourceOptions } from "./host/machine.js";
import type { RoundTimes } from "./metrics/round-times.js";

export type { JobProgress, SubtaskMetrics } from "./coordinator/job-metrics.js";

/** From where a job goes on. */
export interface Recovery {
  /** What had failed; undefined where the run begins with the checkpoint (`resume`, `from`). */
  readonly error: MillraceError | undefined;
  /** Number of the checkpoint; undefined: there is none, the job begins anew. */
  readonly checkpoint: number | undefined;
  /** Its folder; undefined where it lies in memory. */
  readonly path: string | undefined;
  /**
   * Only these subtasks go on from there: what has failed, and all that exchanges records with it. The others have
   * not stopped. Undefined: the whole job does.
   */
  readonly subtasks: readonly { readonly vertex: string; readonly subtask: number }[] | undefined;
}

/** What a job has come to. */
export interface JobResult {
  /** By name, what `env.accumulator` has declared: merged over all subtasks. */
  readonly accumulators: Readonly<Record<string, unknown>>;
}

/** A running job. */
export interface Job extends AsyncDisposable {
  readonly name: string;
  /** Of this run: its checkpoints lie in a folder of that name below `checkpoint.dir`. See `resume`. */
  readonly id: string;
  readonly state: string;
  /**
   * Settles when the job has ended; rejects with a MillraceError.
   * @example
   * const { accumulators } = await job.completed;
   */
  readonly completed: Promise<JobResult>;
  /** The names of the job's sinks. */
  readonly sinks: readonly string[];
  /** The rows of a collectSink() of that name. Throws RESULTS_UNKNOWN for another name. */
  results<T = any>(name: string): AsyncIterable<T>;
  metrics(): SubtaskMetrics[];
  /** By slot: how long the rounds of its loop took, since this attempt began. */
  rounds(): RoundTimes[];
  progress(): JobProgress;
  /**
   * By name, what `env.accumulator` has declared, merged over all subtasks: as they have last told, about a second ago.
   * Of the attempt that runs, or of the last one: after a restart it counts from there on, as Flink's do, what was read
   * again included. Throws USER_FUNCTION_FAILED where the user's own `merge` or `result` does.
   */
  accumulators(): Readonly<Record<string, unknown>>;
  /** Statistics of the checkpoints taken; undefined where none are. */
  checkpoints(): CheckpointsOverview | undefined;
  /** How often the job was started again after a failure. */
  readonly restarts: number;
  /**
   * Writes a savepoint below `directory`, which may be `s3://bucket/prefix`; answers its folder. Throws
   * CHECKPOINTS_OFF, CHECKPOINT_FAILED.
   */
  savepoint(directory: string): Promise<string>;
  /**
   * Ends the job behind a savepoint below `directory`; answers its folder. `drain`: event time comes to its end
   * first, so that windows close: for a job that will not go on.
   */
  stop(options: { directory: string; drain?: boolean }): Promise<string>;
  /** Subtasks of every operator that does not say its own. */
  readonly parallelism: number;
  /** The last rescale, by request or because the job is reactive. */
  readonly lastRescale: Rescaling | undefined;
  /**
   * Goes on with another parallelism, from a checkpoint taken for it; resolves when records are processed again.
   * Operators with a parallelism of their own keep it. "auto": what the cores there are now allow. A reactive job keeps
   * a number that it is given until it is told "auto", and then follows its resources again.
   * Throws CHECKPOINTS_OFF, PARALLELISM_INVALID, RESOURCES_UNREADABLE, and what says that its state does not fit.
   * @example
   * const { pauseMs } = await job.rescale(4);
   */
  rescale(parallelism: number | "auto"): Promise<Rescaled>;
  /**
   * Tells a reactive job that what it may use has changed: with `resources`, that is so from now on; else the limits
   * of the machine are looked at now, not at the next poll. Stabilisation counts as always. Throws OPTION_INVALID.
   * @example
   * job.resourcesChanged({ cpu: 3 });
   */
  resourcesChanged(resources?: ResourceOptions): void;
  /** Ends the job; what was not committed is thrown away. */
  cancel(): Promise<void>;
}
