/**
 * The source contract (after Flink's FLIP-27): what a connector implements to bring records in.
 *
 * A source is cut into *splits*, plain JSON that says what to read and from where. One *enumerator* on the
 * coordinator finds splits and gives them out; one *reader* per subtask turns its splits into records.
 *
 * Invariants
 * - Splits are given out in time order where the connector knows it, so that readers do not run apart.
 * - `next()` never blocks and never awaits: what is not in memory yet is fetched in the background, and
 *   `context.wake()` is called when it has come.
 * - A reader reports every record under the ordinal of its split: watermarks are kept per split.
 * - At a checkpoint every split is in exactly one place: in the enumerator's snapshot (not given out), in a
 *   reader's (given out), or nowhere (read to its end). So what `request` has answered reaches its reader before
 *   that reader's snapshot is taken, if it was answered before the enumerator's.
 * - A split that a failed reader got behind the checkpoint it goes on from goes back to the enumerator: then it may
 *   be given to any reader.
 * - A split says by itself where reading goes on: any reader can take it, at any parallelism. Ordinals are of one
 *   reader's life; they begin from 0 again after a restore.
 *
 * Called by: runtime (readers), coordinator (enumerators). May import: base, metrics, time, formats, storage.
 */
import type { FunctionMetrics } from "../metrics/function-metrics.js";
import type { WatermarkStrategy } from "../time/watermarks.js";

/** What to read and from where; JSON, so that it can travel and be kept in a checkpoint. */
export interface Split {
  readonly id: string;
}

/** Where a record lies in its source. */
export interface SourcePosition {
  /** Id of the split. */
  readonly split: string;
  /** Its place there, as the connector counts: JSON. */
  readonly position: unknown;
}

export interface EnumeratorContext {
  readonly job: string;
  readonly operator: string;
  /** Parallelism of the source's readers. */
  readonly parallelism: number;
  /** What `snapshot()` answered at the checkpoint from which the job goes on; undefined at its first start. */
  readonly restored?: unknown;
  /**
   * There may be splits now, or an end: requests that were answered with "not now" (`[]`) are asked again. At any time,
   * but not within `request`.
   */
  available(): void;
}

/** Finds splits and gives them out. One per source and run, on the coordinator. */
export interface SplitEnumerator<S extends Split = Split> {
  /** Finds what is there to read, unless it was restored. Coded errors for what is missing or foreign. */
  start(): Promise<void>;
  /**
   * The next splits for a reader that asks; `undefined` when there will never be more; `[]`: not now. Then the reader
   * waits, which holds up no checkpoint, and its request is asked again after `context.available()`. A reader that asks
   * while it waits is asked for with its new request only. `report`: what the reader says with its request.
   */
  request(subtask: number, report?: unknown): Promise<readonly S[] | undefined> | readonly S[] | undefined;
  /**
   * A reader has failed, and begins anew from the last completed checkpoint while the readers of other regions go on:
   * `splits` are those it got behind that checkpoint (none, maybe), in order. They go to whoever asks next, or to
   * that reader; it asks again, also where it was told that there are no more. Without this method all readers begin
   * anew together, with an enumerator restored from the checkpoint. What that reader has reported is void.
   */
  addSplitsBack?(splits: readonly S[], subtask: number): void;
  /**
   * The amount of work of the whole, in the unit of `SourceReader.consumed`, where it is known; the same after a
   * restore. How far a source is: (what was done at the restored checkpoint + what its readers consumed) / total;
   * the coordinator keeps the former in the manifest.
   */
  readonly total: number | undefined;
  /**
   * What is not given out yet, as JSON: it goes into checkpoints and comes back as `context.restored`, maybe
   * with another parallelism. What was given out is in the readers' snapshots. The answer is a copy: giving out
   * more does not change it.
   */
  snapshot(): unknown;
  /**
   * Where the source ends, as JSON, or a promise of it: what a source that goes on behind it begins with (see
   * `hybridSource`). Asked when all splits were given out and read; the same after a restore.
   */
  endPosition?(): unknown;
  close(): Promise<void>;
}

export interface ReaderContext {
  readonly job: string;
  readonly operator: string;
  readonly subtask: number;
  readonly parallelism: number;
  /**
   * Asks the enumerator for more; `addSplits` or `noMoreSplits` answers, maybe much later. `report`: JSON that the
   * enumerator is given with the request. It may be lost: a reader that begins anew says it again.
   */
  requestSplits(report?: unknown): void;
  /** Something that `next()` can give has come. */
  wake(): void;
  /** Reading failed; the task fails with this error. */
  fail(error: unknown): void;
  /** Aborted when the task ends, for whatever reason. */
  readonly signal: AbortSignal;
  /** What the connector counts: in `job.metrics()` as `user["<source>.<name>"]`. */
  readonly metrics: FunctionMetrics;
}

/** Turns splits into records, for one subtask. */
export interface SourceReader<T = unknown, S extends Split = Split> {
  /**
   * Begins: reads, or asks for the first splits. Splits of a restored checkpoint were added before; until then
   * the reader asks nothing of its context.
   */
  start(): void;
  /** From the enumerator, or, before `start()`, as `snapshot()` gave them. */
  addSplits(splits: readonly S[]): void;
  noMoreSplits(): void;
  /**
   * The next record; `undefined` when there is none at the moment or there never will be (see `ended`).
   * `undefined` itself is not a record. @hot
   */
  next(): T | undefined;
  /** Ordinal of the split of the record last given: 0 for this reader's first split, then 1, 2, ... */
  readonly split: number;
  /**
   * Of readers that read in stages: the one of what `next` gives now, an index of `SourceDefinition.watermarks`. It
   * changes only when `next` answers undefined.
   */
  readonly stage?: number;
  /**
   * How many of its splits are being read, by ordinals from 0: also one that has given nothing yet holds the watermark
   * back. For readers that read several at a time; without it a split is read from its first record on.
   */
  readonly splitsBegun?: number;
  /**
   * Until it is called again, `next` gives nothing of these splits (ordinals), and of all others what there is. For
   * readers that read several at a time; without it a source that is too far ahead of others is paused as a whole.
   */
  pauseSplits?(ordinals: readonly number[]): void;
  /**
   * Where the record last given lies, for errors and dead letters: asked now and then, before the next `next()`.
   * Without it nobody is told.
   */
  place?(): SourcePosition | undefined;
  /** Ordinals of splits that ended since it was last called; the answer is the caller's to keep. */
  takeEndedSplits(): readonly number[];
  /** True when every split was read and no more will come. */
  readonly ended: boolean;
  /** Work done by this reader: of a restored split what lies behind its position. Unit: `SplitEnumerator.total`. */
  readonly consumed: number;
  /**
   * The splits not read to their end, with the position behind the record last given: JSON, and a copy. May be
   * called between any two calls of `next()`. A split read to its end, whose ordinal `takeEndedSplits` has not
   * told yet, may be left out; one whose end was not noticed yet is in it, and ends at once when restored.
   */
  snapshot(): readonly S[];
  close(): Promise<void>;
}

/** What `env.source(name, definition)` takes. Plain options; opens nothing until a task runs. */
export interface SourceDefinition<T = unknown, S extends Split = Split> {
  /** The connector, for plans and messages: "file", "nexmark". */
  readonly kind: string;
  readonly boundedness: "bounded" | "unbounded";
  /**
   * A restored split goes on with the record behind its position, so that every record is given once. false:
   * records given before a failure are not given again, or the split begins anew; not for exactly-once.
   */
  readonly replayable: boolean;
  /** The highest parallelism that makes sense, where there is one (an iterable: 1). */
  readonly parallelismMax?: number;
  /** By stage of its readers, how event time is told there; undefined: as the job says of the source. */
  readonly watermarks?: readonly (WatermarkStrategy<any> | undefined)[];
  /** Printed by --explain and part of the fingerprint. JSON. */
  readonly description: Readonly<Record<string, unknown>>;
  createEnumerator(context: EnumeratorContext): SplitEnumerator<S>;
  createReader(context: ReaderContext): SourceReader<T, S>;
  /** Type only; never set. */
  readonly recordType?: T;
}
