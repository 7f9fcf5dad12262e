/**
 * What checkpoints are made of, as JSON (bytes aside): written by tasks, gathered by the coordinator, kept in
 * the manifest and given back to tasks.
 *
 * A task writes the entries of all its parts into one blob per checkpoint. A part's *chain* is one full
 * segment and the deltas since, which may lie in blobs of earlier checkpoints.
 */
import type { StateSchema, StateScope } from "../state/contract.js";

/**
 * Where a segment's bytes are: a blob of the store, or right here when there are few (or no store). In the file
 * of a savepoint a path begins with "./" and is relative to the savepoint's folder; loading makes it whole. `crc`: the
 * CRC-32 of the segment's bytes; those right here are covered by the checksum of the manifest.
 */
export type SegmentPlace =
  | { readonly blob: string; readonly offset: number; readonly crc: number }
  | { readonly inline: Uint8Array };

/** Entries of one part, as written by one freeze. */
export interface Segment {
  readonly place: SegmentPlace;
  readonly bytes: number;
  readonly kind: "full" | "delta";
  readonly entries: number;
}

export interface PartSnapshot {
  readonly name: string;
  readonly scope: StateScope;
  readonly schema: StateSchema;
  readonly chain: readonly Segment[];
}

/** Records in flight on one channel: what the receiver had queued, then what the sender still held. */
export interface ChannelSnapshot {
  readonly edge: number;
  readonly from: number;
  readonly to: number;
  readonly side: "receiver" | "sender";
  readonly segment: Segment;
}

/** A sink's committable, and the checkpoint whose completion allows committing it. */
export interface PendingCommittable {
  readonly checkpoint: number;
  readonly committable: Readonly<Record<string, unknown>>;
}

export interface OperatorSnapshot {
  readonly uid: string;
  readonly parts: readonly PartSnapshot[];
  /** Of a source: the splits being read, with their positions. */
  readonly splits?: readonly Readonly<Record<string, unknown>>[];
  /** Of a sink: what was written and not confirmed as committed. */
  readonly committables?: readonly PendingCommittable[];
}

/** How a task's part of a checkpoint went; ms and bytes (Flink's REST names in `statistics.ts`). */
export interface SnapshotStatistics {
  readonly syncMs: number;
  readonly asyncMs: number;
  readonly alignmentMs: number;
  readonly startDelayMs: number;
  readonly stateBytes: number;
  readonly processedBytes: number;
  readonly persistedBytes: number;
  readonly unaligned: boolean;
}

/** One task's part of a checkpoint. */
export interface TaskSnapshot {
  readonly vertex: number;
  readonly subtask: number;
  /** The task had processed all of its input (FLIP-147). */
  readonly finished: boolean;
  readonly operators: readonly OperatorSnapshot[];
  readonly channels: readonly ChannelSnapshot[];
  readonly statistics: SnapshotStatistics;
}

/** An operator in a manifest: all of its subtasks. */
export interface OperatorManifest {
  readonly uid: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** By subtask; undefined where the subtask had finished before the checkpoint. */
  readonly subtasks: readonly (OperatorSnapshot | undefined)[];
  /** By subtask: had processed all of its input. */
  readonly finished: readonly boolean[];
  /** Of a source: its enumerator. JSON. */
  readonly enumerator?: unknown;
  /** Of a source: work done up to here, over all attempts, in the unit of its enumerator's total; for progress only. */
  readonly consumed?: number;
}

/** An edge in a manifest: how its channel state is dealt out again. */
export interface EdgeManifest {
  readonly from: string;
  readonly to: string;
  readonly partitioner: string;
  readonly channels: readonly ChannelSnapshot[];
}

/** Everything of one checkpoint or savepoint. */
export interface Manifest {
  readonly job: string;
  readonly jobId: string;
  readonly checkpoint: number;
  readonly purpose: "checkpoint" | "savepoint" | "stop" | "terminate";
  readonly timestamp: number;
  /** The attempt that took it: a run that goes on from it counts on, so that what attempts name is named once. */
  readonly attempt?: number;
  readonly operators: readonly OperatorManifest[];
  readonly edges: readonly EdgeManifest[];
}
