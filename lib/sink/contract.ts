/**
 * The sink contract (after Flink's FLIP-191): what a connector implements to take records out.
 *
 * One *writer* per subtask takes records and, when asked, hands over *committables*: plain JSON that names
 * what was written but is not visible yet. One *committer* on the coordinator makes them visible once the
 * job has promised not to write them again.
 *
 * Invariants
 * - Nothing half-written ever looks complete: what is not committed is invisible to readers of the result.
 * - `commit` is idempotent: it may be called again with the same committables after a failure.
 *
 * Called by: runtime (writers), coordinator (committers). May import: base, metrics, formats, storage.
 */

import type { FunctionMetrics } from "../metrics/function-metrics.js";

/** What was written and waits to be made visible; JSON. */
export type Committable = Readonly<Record<string, unknown>>;

/** What a sink's writer is given. */
export interface WriterContext {
  readonly job: string;
  readonly operator: string;
  readonly subtask: number;
  readonly parallelism: number;
  /** Names this run; the same in all subtasks and after every restart, also of the process. */
  readonly runId: string;
  /** Counts the starts of this run from 1; with `runId` and `subtask` it names nothing twice. */
  readonly attempt: number;
  /** What the connector counts: in `job.metrics()` as `user["<sink>.<name>"]`. */
  readonly metrics: FunctionMetrics;
  /** Wall time in ms since the epoch. */
  wallNow(): number;
  /** Sends rows to the reader of the job's results (collectSink); rows must be structured-cloneable. */
  sendRows(rows: readonly unknown[]): void;
  /** The writer cannot take more for now / can again. Records written in between are still taken. */
  pause(): void;
  resume(): void;
  fail(error: unknown): void;
}

/** One subtask's half of a sink: takes records and names what may become visible. */
export interface SinkWriter<T = unknown> {
  /** Before the first record. */
  open(): Promise<void> | void;
  /** @hot Takes one record; `timestamp` is its event time in ms, NaN if it has none. */
  write(record: T, timestamp: number): void;
  /** Passes on what is held back for batching; called once a turn, when the stream rests. */
  flush(): void;
  /** The input has ended; called once, before the last `prepareCommit`. Not called by a stop without drain. */
  finish?(): void;
  /**
   * A checkpoint is taken, or the input has ended: the answer names everything written before this call
   * (and not named before); what is written after it belongs to the next one. Only its promise may wait.
   */
  prepareCommit(): Promise<readonly Committable[]>;
  /**
   * What the writer has to remember besides, as plain records that do not change any more; called right after
   * `prepareCommit`, before its promise has settled.
   */
  snapshot?(): readonly unknown[];
  /** Before `open`: what `snapshot` answered, dealt out over the subtasks there are now. */
  restore?(items: readonly unknown[]): void;
  /** Ends; `aborted` says that what was not committed is to be thrown away. */
  close(aborted: boolean): Promise<void>;
}

/** What a sink's committer is given. */
export interface CommitterContext {
  readonly job: string;
  readonly operator: string;
  readonly runId: string;
  /** The run goes on from a checkpoint: the target may hold what it has committed before. */
  readonly resumed: boolean;
}

/** Writers that have failed, by what their names are made of (`WriterContext`). */
export interface FailedWriters {
  readonly attempt: number;
  readonly subtasks: readonly number[];
}

/** The coordinator's half of a sink. It outlives restarts within a process. */
export interface SinkCommitter {
  /** Before any writer opens: checks that the target can be written. Once per process. */
  open(): Promise<void>;
  /**
   * Makes visible; may be given again what it was given before, also by an earlier process. Called for every
   * checkpoint that completes, and at the end: also when there is nothing to commit.
   */
  commit(committables: readonly Committable[]): Promise<void>;
  /**
   * Before the writers of any attempt but the first open, after `commit` of the restored checkpoint's
   * committables (if there is one): removes what earlier attempts of this run left and no checkpoint names.
   */
  cleanUp?(): Promise<void>;
  /**
   * Some writers have failed and are gone, and others take their places, while those of other regions go on: removes
   * what they left and `commit` was not asked for. A sink with `cleanUp` but without this is cleaned up as a whole:
   * all of its writers begin anew together.
   */
  cleanUpAfter?(writers: FailedWriters): Promise<void>;
  /**
   * The job failed for good or was cancelled: removes what this run left unfinished, except what `commit` was
   * asked for and could not do. What a complete checkpoint names has to be given to `commit` before.
   */
  abort(): Promise<void>;
}

/** What `stream.sink(name, definition)` takes. */
export interface SinkDefinition<T = unknown> {
  readonly kind: string;
  readonly description: Readonly<Record<string, unknown>>;
  readonly parallelismMax?: number;
  createWriter(context: WriterContext): SinkWriter<T>;
  createCommitter?(context: CommitterContext): SinkCommitter;
  /** Type only; never set. */
  readonly recordType?: (record: T) => void;
}
