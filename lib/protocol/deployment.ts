/**
 * The messages between the coordinator and the slots. Everything here survives a structured clone.
 *
 * Rules: the coordinator decides, a slot reports. A slot never starts anything it was not told to; the
 * coordinator never touches a record.
 */
import type { ErrorData } from "../base/error.js";
import type { Split } from "../source/contract.js";

/** Options that decide a job's plan; equal in all threads. */
export interface JobOptions {
  readonly parallelism: number;
  readonly maxParallelism?: number;
  readonly chaining?: boolean;
  readonly localCombine?: boolean;
  readonly bufferTimeoutMs: number;
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
  readonly slot: number;
  readonly tasks: readonly TaskAssignment[];
  /** slotOf[vertex][subtask] */
  readonly slotOf: readonly (readonly number[])[];
  readonly rings: readonly RingAssignment[];
  /** One doorbell per slot (see exchange/doorbell.ts). */
  readonly doorbells: readonly SharedArrayBuffer[];
  /** One word per slot, bumped every round of its host's loop. */
  readonly progress: SharedArrayBuffer;
  readonly metrics: SharedArrayBuffer;
}

/** A sink's committable and whose it is. */
export interface CommittableReport {
  readonly uid: string;
  readonly committable: Readonly<Record<string, unknown>>;
}

/** What a slot tells the coordinator. */
export interface SlotEvents {
  requestSplits(vertex: number, subtask: number): void;
  rows(uid: string, rows: readonly unknown[]): void;
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
  /** Ends every task, throwing away what was not committed. */
  stop(): Promise<void>;
  /** All tasks have finished and were committed. */
  close(): Promise<void>;
}
