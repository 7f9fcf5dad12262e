/** What an attempt, and each run of a region of it, is made with. */
import type { Clock } from "../base/clock.js";
import type { MillraceError } from "../base/error.js";
import type { Scheduler } from "../base/scheduler.js";
import type { TaskSnapshot } from "../checkpoint/snapshot.js";
import type { TaskRestore } from "../checkpoint/task-restore.js";
import type { Machine } from "../planner/hosts.js";
import type { CheckpointDeployment, JobOptions, TaskId } from "../protocol/deployment.js";
import type { FunctionReport } from "../protocol/function-report.js";
import type { Plan } from "../protocol/program.js";
import type { LaunchHost } from "../protocol/slot-host.js";
import type { StoreLocation } from "../storage/contract.js";
import type { Region } from "./regions.js";
import type { SplitGivers } from "./split-givers.js";

/** Where tasks go on. */
export interface RunOrigin {
  readonly restores: readonly TaskRestore[];
  /** The store that `restores` refer to. */
  readonly restoreFrom: StoreLocation | undefined;
  /** The checkpoint; 0 where there is none. */
  readonly checkpoint: number;
}

export interface AttemptOptions {
  readonly plan: Plan;
  readonly moduleUrl: string;
  readonly params: unknown;
  readonly options: JobOptions;
  readonly fingerprint: string;
  readonly runId: string;
  readonly number: number;
  readonly checkpoints: CheckpointDeployment | undefined;
  readonly origin: RunOrigin;
  readonly hangTimeoutMs: number;
  /** Capacity of each ring; default RING_BYTES. */
  readonly ringBytes?: number;
  /** What there is to take slots from; default: without bounds. */
  readonly machine?: Machine;
  readonly launch: LaunchHost;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly sources: SplitGivers;
  readonly events: AttemptEvents;
}

/** What an attempt tells whoever runs it. */
export interface AttemptEvents {
  /** `slot`: of the writer. */
  rows(uid: string, rows: readonly unknown[], checkpoint: number, slot: number): void;
  acknowledged(checkpoint: number, snapshot: TaskSnapshot): void;
  declined(checkpoint: number, task: TaskId, error: MillraceError): void;
  dataEnded(task: TaskId): void;
  functionsReported(task: TaskId, report: FunctionReport): void;
  taskFinished(task: TaskId): void;
  /** True: the region is started again. Else the attempt has failed. */
  regionFailed(region: Region, error: unknown): boolean;
}
