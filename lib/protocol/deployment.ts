/**
 * The messages between the coordinator and the slots. Everything here survives a structured clone.
 *
 * Rules: the coordinator decides, a slot reports. A slot never starts anything it was not told to; the
 * coordinator never touches a record.
 */
import type { ErrorData } from "../base/error.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { TaskId } from "../checkpoint/checkpoint-plan.js";
import type { TaskSnapshot } from "../checkpoint/snapshot.js";
import type { TaskRestore } from "../checkpoint/task-restore.js";
import type { DebloatSettings } from "../exchange/debloating.js";
import type { Split } from "../source/contract.js";
import type { StoreLocation } from "../storage/contract.js";
import type { FunctionReport } from "./function-report.js";

/** Options that decide a job's plan; equal in all threads. */
export interface JobOptions {
  readonly parallelism: number;
  readonly maxParallelism?: number;
  readonly chaining?: boolean;
  readonly localCombine?: boolean;
  readonly rescalable?: boolean;
  readonly keptMaxParallelism?: Readonly<Record<string, number>>;
  readonly bufferTimeoutMs: number;
  /** How often sources send latency markers; absent: never. */
  readonly latencyIntervalMs?: number;
  /** Absent: what channels may have in flight stays as it is. */
  readonly debloat?: DebloatSettings;
  /** `heap`, `lmdb` or the URL of a module; default heap. */
  readonly stateBackend?: string;
  /** Records cannot be changed once they are emitted. */
  readonly frozenRecords?: boolean;
}

/** One subtask to run and its row in the metrics. */
export interface TaskAssignment {
  readonly vertex: number;
  readonly subtask: number;
  readonly metricsRow: number;
}

/** A channel between two slots. */
export interface RingAssignment {
  readonly edge: number;
  readonly from: number;
  readonly to: number;
  readonly memory: SharedArrayBuffer;
}

/** All that a slot needs to build its tasks. */
export interface Deployment {
  readonly moduleUrl: string;
  readonly params: unknown;
  readonly options: JobOptions;
  readonly fingerprint: string;
  readonly runId: string;
  /** Counts the starts of the run from 1. */
  readonly attempt: number;
  /** Absent: no checkpoints are taken. */
  readonly checkpoints?: CheckpointDeployment;
  /** What the slot's tasks go on from, where there is something. */
  readonly restores: readonly TaskRestore[];
  /** The store that `restores` refer to; absent where everything is inline. */
  readonly restoreFrom?: StoreLocation;
  readonly slot: number;
  /** The part of its host's loop time that the slot has; 1 (default): it is alone there. */
  readonly share?: number;
  /** Memory for keyed state, where the slot's profile gives it some, MiB. */
  readonly managedMb?: number;
  readonly tasks: readonly TaskAssignment[];
  /** slotOf[vertex][subtask] */
  readonly slotOf: readonly (readonly number[])[];
  readonly rings: readonly RingAssignment[];
  /** One doorbell per slot (see exchange/doorbell.ts). */
  readonly doorbells: readonly SharedArrayBuffer[];
  /** One word per slot, bumped every round of its host's loop. */
  readonly progress: SharedArrayBuffer;
  readonly metrics: SharedArrayBuffer;
  /** Where latencies are tracked: by row of the metrics and vertex of the source. */
  readonly latencies?: SharedArrayBuffer;
  /** How long every slot's rounds took (see metrics/round-times.ts). */
  readonly roundTimes: SharedArrayBuffer;
}

/** Where tasks put their parts of checkpoints. */
export interface CheckpointDeployment {
  readonly store: StoreLocation;
  readonly jobId: string;
  /** Of the coordinator: part of the paths that tasks write to. */
  readonly epoch: number;
}

/** A sink's committable and whose it is. */
export interface CommittableReport {
  readonly uid: string;
  readonly committable: Readonly<Record<string, unknown>>;
}

export type { TaskId } from "../checkpoint/checkpoint-plan.js";

/** What a slot tells the coordinator. */
export interface SlotEvents {
  /** `report`: what the reader says to its enumerator. */
  requestSplits(vertex: number, subtask: number, report?: unknown): void;
  /** `checkpoint`: the last one the writer had taken part in; the rows belong to the next. */
  rows(uid: string, rows: readonly unknown[], checkpoint: number): void;
  acknowledged(checkpoint: number, snapshot: TaskSnapshot): void;
  declined(checkpoint: number, task: TaskId, error: ErrorData): void;
  /** With checkpoints: the task has processed all of its input and waits for its final checkpoint. */
  dataEnded(vertex: number, subtask: number): void;
  /** What the user's functions of a task have counted: now and then, and before it is finished. */
  functionsReported(vertex: number, subtask: number, report: FunctionReport): void;
  taskFinished(vertex: number, subtask: number, committables: readonly CommittableReport[]): void;
  failed(error: ErrorData): void;
}

/** What the coordinator tells a slot. */
export interface SlotControl {
  /** Imports the job module, builds the tasks and opens them. Answers when they can start. */
  deploy(deployment: Deployment): Promise<void>;
  start(): Promise<void>;
  /** `undefined`: there will be no more splits. */
  addSplits(vertex: number, subtask: number, splits: readonly Split[] | undefined): void;
  /** The readers of a source read no further than to this event time; Infinity: as far as they can. */
  alignSource(vertex: number, limit: number): void;
  /** Puts a barrier in front of what these tasks do next. */
  trigger(barrier: Barrier, tasks: readonly TaskId[]): void;
  checkpointCompleted(checkpoint: number): void;
  checkpointAborted(checkpoint: number): void;
  /** Ends every task, throwing away what was not committed. */
  stop(): Promise<void>;
  /** All tasks have finished and were committed. */
  close(): Promise<void>;
}
