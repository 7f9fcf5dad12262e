/**
 * Statistics of checkpoints, with the names and meanings of Flink's REST API in camelCase. Times are wall ms,
 * sizes bytes, durations ms; undefined where nothing is known yet.
 *
 * Called by: coordinator. May import: nothing else.
 */
import type { Barrier } from "./barrier.js";
import type { TaskId } from "./checkpoint-plan.js";
import type { TaskSnapshot } from "./snapshot.js";

export type CheckpointStatus = "in-progress" | "completed" | "failed";

/** One subtask's part of a checkpoint. */
export interface SubtaskStatistics {
  readonly index: number;
  readonly ackTimestamp: number;
  /** From the trigger to the acknowledgement. */
  readonly endToEndDuration: number;
  readonly stateSize: number;
  readonly checkpoint: { readonly sync: number; readonly async: number };
  readonly alignment: {
    /** Always 0: nothing is buffered for alignment. */
    readonly buffered: number;
    /** Bytes read between the first barrier and the last. */
    readonly processed: number;
    /** Bytes in flight that became part of the checkpoint. */
    readonly persisted: number;
    readonly duration: number;
  };
  /** From the trigger to the first barrier. */
  readonly startDelay: number;
  readonly unalignedCheckpoint: boolean;
  /** It came when the checkpoint had already failed. */
  readonly aborted: boolean;
}

/** What subtasks add up to: sizes are sums, times the latest. */
export interface StatisticsTotals {
  readonly latestAckTimestamp: number | undefined;
  readonly stateSize: number;
  readonly endToEndDuration: number | undefined;
  readonly alignmentBuffered: number;
  readonly processedData: number;
  readonly persistedData: number;
  readonly numSubtasks: number;
  readonly numAcknowledgedSubtasks: number;
}

/** One vertex' part of a checkpoint. */
export interface VertexStatistics extends StatisticsTotals {
  readonly vertex: number;
  readonly status: CheckpointStatus;
  readonly subtasks: readonly SubtaskStatistics[];
}

/** One checkpoint or savepoint. */
export interface CheckpointRecord extends StatisticsTotals {
  readonly id: number;
  readonly status: CheckpointStatus;
  readonly isSavepoint: boolean;
  readonly checkpointType: Barrier["purpose"];
  readonly triggerTimestamp: number;
  /** Where it lies, once it is complete. */
  readonly externalPath: string | undefined;
  /** It was removed since. */
  readonly discarded: boolean;
  readonly failureTimestamp: number | undefined;
  readonly failureMessage: string | undefined;
  readonly tasks: readonly VertexStatistics[];
}

/** The checkpoint that the job, or a part of it, went on from last. */
export interface RestoredRecord {
  readonly id: number;
  readonly restoreTimestamp: number;
  readonly isSavepoint: boolean;
  readonly externalPath: string | undefined;
  /** Only these subtasks went on from it, the others had not failed; undefined: all did. */
  readonly subtasks: readonly TaskId[] | undefined;
}

export interface MinMaxAvg {
  readonly min: number;
  readonly max: number;
  readonly avg: number;
}

/** What `job.checkpoints()` answers. */
export interface CheckpointsOverview {
  readonly counts: {
    readonly restored: number;
    readonly total: number;
    readonly inProgress: number;
    readonly completed: number;
    readonly failed: number;
  };
  /** Over all completed ones since the job began; zeros when there are none. */
  readonly summary: {
    readonly stateSize: MinMaxAvg;
    readonly endToEndDuration: MinMaxAvg;
    readonly processedData: MinMaxAvg;
    readonly persistedData: MinMaxAvg;
  };
  readonly latest: {
    readonly completed: CheckpointRecord | undefined;
    readonly savepoint: CheckpointRecord | undefined;
    readonly failed: CheckpointRecord | undefined;
    readonly restored: RestoredRecord | undefined;
  };
  /** The latest first. */
  readonly history: readonly CheckpointRecord[];
}

/** Checkpoints that `history` holds. */
const HISTORY_MAX = 10;

class Range {
  private count = 0;
  private sum = 0;
  private min = Number.POSITIVE_INFINITY;
  private max = 0;

  add(value: number): void {
    this.count++;
    this.sum += value;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
  }

  get(): MinMaxAvg {
    if (this.count === 0) return { min: 0, max: 0, avg: 0 };
    return { min: this.min, max: this.max, avg: this.sum / this.count };
  }
}

/** What is known of a checkpoint; changes until it has completed or failed. */
interface Entry {
  readonly id: number;
  readonly purpose: Barrier["purpose"];
  readonly triggerTimestamp: number;
  /** Subtasks that take part and those that have acknowledged, by vertex. */
  readonly expected: Map<number, number>;
  readonly acknowledged: Map<number, SubtaskStatistics[]>;
  status: CheckpointStatus;
  externalPath?: string;
  discarded: boolean;
  failureTimestamp?: number;
  failureMessage?: string;
}

/**
 * Gathers statistics from what happens to checkpoints. A checkpoint is told of as soon as it has an id,
 * before anything can fail, so that none fails unseen.
 */
export class CheckpointStatistics {
  private readonly historyMax: number;
  private history: Entry[] = [];
  private readonly running = new Map<number, Entry>();
  private readonly counts = { restored: 0, total: 0, completed: 0, failed: 0 };
  private readonly ranges = {
    stateSize: new Range(),
    endToEndDuration: new Range(),
    processedData: new Range(),
    persistedData: new Range(),
  };
  private latestCompleted: Entry | undefined;
  private latestSavepoint: Entry | undefined;
  private latestFailed: Entry | undefined;
  private restored: RestoredRecord | undefined;

  constructor(historyMax: number = HISTORY_MAX) {
    this.historyMax = historyMax;
  }

  /** `tasks`: those that have to acknowledge. */
  onTriggered(id: number, purpose: Barrier["purpose"], timestamp: number, tasks: readonly TaskId[]): void {
    const expected = new Map<number, number>();
    for (const { vertex } of tasks) expected.set(vertex, (expected.get(vertex) ?? 0) + 1);
    const entry: Entry = {
      id,
      purpose,
      triggerTimestamp: timestamp,
      expected,
      acknowledged: new Map(),
      status: "in-progress",
      discarded: false,
    };
    this.counts.total++;
    this.running.set(id, entry);
    this.history = [entry, ...this.history].slice(0, this.historyMax);
  }

  /** Also when the checkpoint has failed by then: the subtask is noted as aborted. */
  onAcknowledged(id: number, { vertex, subtask, statistics }: TaskSnapshot, now: number): void {
    const entry = this.find(id);
    if (entry === undefined) return;
    const subtasks = entry.acknowledged.get(vertex) ?? [];
    entry.acknowledged.set(vertex, subtasks);
    subtasks.push({
      index: subtask,
      ackTimestamp: now,
      endToEndDuration: Math.max(0, now - entry.triggerTimestamp),
      stateSize: statistics.stateBytes,
      checkpoint: { sync: statistics.syncMs, async: statistics.asyncMs },
      alignment: {
        buffered: 0,
        processed: statistics.processedBytes,
        persisted: statistics.persistedBytes,
        duration: statistics.alignmentMs,
      },
      startDelay: statistics.startDelayMs,
      unalignedCheckpoint: statistics.unaligned,
      aborted: entry.status === "failed",
    });
  }

  onCompleted(id: number, externalPath?: string): void {
    const entry = this.end(id, "completed");
    if (entry === undefined) return;
    if (externalPath !== undefined) entry.externalPath = externalPath;
    this.counts.completed++;
    if (entry.purpose === "checkpoint") this.latestCompleted = entry;
    else this.latestSavepoint = entry;
    const totals = totalsOf(entry);
    this.ranges.stateSize.add(totals.stateSize);
    this.ranges.endToEndDuration.add(totals.endToEndDuration ?? 0);
    this.ranges.processedData.add(totals.processedData);
    this.ranges.persistedData.add(totals.persistedData);
  }

  onFailed(id: number, message: string, now: number): void {
    const entry = this.end(id, "failed");
    if (entry === undefined) return;
    entry.failureTimestamp = now;
    entry.failureMessage = message;
    this.counts.failed++;
    this.latestFailed = entry;
  }

  /** It was removed from its store. */
  onDiscarded(id: number): void {
    const entry = this.find(id);
    if (entry !== undefined) entry.discarded = true;
  }

  /** `tasks`: where only some went on from it. */
  onRestored(
    id: number,
    purpose: Barrier["purpose"],
    now: number,
    externalPath?: string,
    tasks?: readonly TaskId[],
  ): void {
    const subtasks = tasks?.map(({ vertex, subtask }) => ({ vertex, subtask }));
    this.counts.restored++;
    this.restored = {
      id,
      restoreTimestamp: now,
      isSavepoint: purpose !== "checkpoint",
      externalPath,
      subtasks,
    };
  }

  overview(): CheckpointsOverview {
    const { ranges } = this;
    return {
      counts: { ...this.counts, inProgress: this.running.size },
      summary: {
        stateSize: ranges.stateSize.get(),
        endToEndDuration: ranges.endToEndDuration.get(),
        processedData: ranges.processedData.get(),
        persistedData: ranges.persistedData.get(),
      },
      latest: {
        completed: recordOf(this.latestCompleted),
        savepoint: recordOf(this.latestSavepoint),
        failed: recordOf(this.latestFailed),
        restored: this.restored,
      },
      history: this.history.map((entry) => recordOf(entry)!),
    };
  }

  private end(id: number, status: "completed" | "failed"): Entry | undefined {
    const entry = this.running.get(id);
    if (entry === undefined) return undefined;
    this.running.delete(id);
    entry.status = status;
    return entry;
  }

  private find(id: number): Entry | undefined {
    const kept = [this.latestCompleted, this.latestSavepoint, this.latestFailed];
    return this.running.get(id) ?? [...this.history, ...kept].find((entry) => entry?.id === id);
  }
}

function totalsOf(entry: Entry, vertex?: number): StatisticsTotals {
  const own = <T>(map: ReadonlyMap<number, T>): T[] =>
    [...map].flatMap(([key, value]) => (vertex === undefined || key === vertex ? [value] : []));
  const subtasks = own(entry.acknowledged).flat();
  const sum = (of: (subtask: SubtaskStatistics) => number) =>
    subtasks.reduce((total, each) => total + of(each), 0);
  const latest = subtasks.reduce((time, { ackTimestamp }) => Math.max(time, ackTimestamp), 0);
  const until = vertex === undefined ? (entry.failureTimestamp ?? latest) : latest;
  return {
    latestAckTimestamp: subtasks.length === 0 ? undefined : latest,
    stateSize: sum(({ stateSize }) => stateSize),
    endToEndDuration: until === 0 ? undefined : Math.max(0, until - entry.triggerTimestamp),
    alignmentBuffered: 0,
    processedData: sum(({ alignment }) => alignment.processed),
    persistedData: sum(({ alignment }) => alignment.persisted),
    numSubtasks: own(entry.expected).reduce((total, count) => total + count, 0),
    numAcknowledgedSubtasks: subtasks.filter(({ aborted }) => !aborted).length,
  };
}

function recordOf(entry: Entry | undefined): CheckpointRecord | undefined {
  if (entry === undefined) return undefined;
  return {
    id: entry.id,
    status: entry.status,
    isSavepoint: entry.purpose !== "checkpoint",
    checkpointType: entry.purpose,
    triggerTimestamp: entry.triggerTimestamp,
    ...totalsOf(entry),
    externalPath: entry.externalPath,
    discarded: entry.discarded,
    failureTimestamp: entry.failureTimestamp,
    failureMessage: entry.failureMessage,
    tasks: [...entry.expected].map(([vertex, count]) => {
      const subtasks = [...(entry.acknowledged.get(vertex) ?? [])].sort((a, b) => a.index - b.index);
      const isDone = subtasks.length === count && entry.status !== "failed";
      const totals = totalsOf(entry, vertex);
      return { vertex, status: isDone ? "completed" : entry.status, ...totals, subtasks };
    }),
  };
}
