/** What the run of a job is made with. */
import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import type { Scheduler } from "../base/scheduler.js";
import type { CheckpointStore } from "../checkpoint/checkpoint-store.js";
import type { LoadedCheckpoint } from "../checkpoint/load.js";
import type { RestartStrategy } from "../checkpoint/restart-strategy.js";
import type { Machine } from "../planner/hosts.js";
import type { JobOptions, TaskId } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import type { HostPlan, LaunchHost } from "../protocol/slot-host.js";
import type { BlobStore } from "../storage/contract.js";
import type { CheckpointSettings } from "./checkpoint-settings.js";

/** Where a run takes its checkpoints, and how. */
export interface JobCheckpoints {
  readonly store: CheckpointStore;
  readonly settings: CheckpointSettings;
}

/** A savepoint or checkpoint of another run to begin with. */
export interface JobOrigin {
  readonly store: BlobStore;
  readonly path: string;
}

/** A plan, the options it was made with, and what tells it from others. */
export interface PlannedJob {
  readonly plan: Plan;
  readonly options: JobOptions;
  readonly fingerprint: string;
}

export interface JobCoordinatorOptions {
  readonly planned: PlannedJob;
  /** Plans the same program again, with another parallelism but the key groups that there are (by uid). */
  readonly replan: (parallelism: number, keyGroups: Readonly<Record<string, number>>) => Promise<PlannedJob>;
  readonly moduleUrl: string;
  readonly params: unknown;
  readonly runId: string;
  readonly hangTimeoutMs: number;
  /** Capacity of each ring; default RING_BYTES. */
  readonly ringBytes?: number;
  /** What there is to take slots from; default: without bounds. */
  readonly machine?: Machine;
  /** Opens the store that savepoints below a folder go to. */
  readonly openFolder: (folder: string) => BlobStore;
  readonly checkpoints: JobCheckpoints | undefined;
  readonly restart: RestartStrategy;
  readonly origin: JobOrigin | undefined;
  /** State of operators that the job does not have any more is left behind. */
  readonly allowNonRestoredState: boolean;
  readonly launch: LaunchHost;
  /** Has hosts ready before a rescale takes those of the tasks that still run; default: they are started then. */
  readonly prepare?: (hosts: readonly HostPlan[]) => Promise<void>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** `slot`: of the writer. */
  readonly onRows: (uid: string, rows: readonly unknown[], checkpoint: number, slot: number) => void;
  /** Rows up to this checkpoint may be given out. */
  readonly onCompleted: (checkpoint: number) => void;
  /** All slots, or these, begin anew: rows of theirs that were not given out come again. */
  readonly onRestart: (slots?: readonly number[]) => void;
  /** The slots of this attempt are gone: so may be what they have kept outside of memory. */
  readonly onAttemptEnded?: (attempt: number) => Promise<void>;
  /**
   * The job goes on behind a checkpoint, or anew: after a failure, or where an earlier process had left it. `tasks`:
   * only these do, the others have never stopped.
   */
  readonly onRecovery: (
    failure: unknown,
    origin: LoadedCheckpoint | undefined,
    tasks?: readonly TaskId[],
  ) => void;
}
