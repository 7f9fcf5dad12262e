/**
 * One snapshot of one task, from the moment its barrier is acted upon until it is stored: freezes the parts,
 * packs them in slices between turns, keeps the records in flight, then writes one blob and says so.
 */
import { SNAPSHOT_SLICE_MS } from "../base/limits.js";
import type { Barrier } from "../checkpoint/barrier.js";
import { EntryWriter } from "../checkpoint/entries.js";
import type {
  ChannelSnapshot,
  OperatorSnapshot,
  PartSnapshot,
  PendingCommittable,
  TaskSnapshot,
} from "../checkpoint/snapshot.js";
import type { BlobStore } from "../storage/contract.js";
import type { TakeRecord } from "./inputs.js";
import type { SnapshotPart } from "./part-snapshots.js";
import { SnapshotBlob } from "./snapshot-blob.js";

/** What a snapshot is taken of. */
export interface SnapshotOperator {
  readonly uid: string;
  readonly parts: readonly SnapshotPart[];
  splits?(): readonly Readonly<Record<string, unknown>>[];
  /** Names what was written before this call. */
  prepareCommit?(checkpoint: number): Promise<readonly PendingCommittable[]>;
}

export interface SnapshotTarget {
  readonly vertex: number;
  readonly subtask: number;
  readonly store: BlobStore | undefined;
  /** Of at most so many bytes it travels with its acknowledgement. */
  readonly inlineBytes: number;
  blobPath(checkpoint: number): string;
  /** Steady time, ms. */
  now(): number;
}

/** How the barriers came through the task's inputs. */
export interface AlignmentStatistics {
  readonly startDelayMs: number;
  readonly alignmentMs: number;
  readonly processedBytes: number;
}

interface Captured {
  readonly place: Pick<ChannelSnapshot, "edge" | "from" | "to" | "side">;
  readonly writer: EntryWriter;
}

export class RunningSnapshot {
  readonly barrier: Barrier;
  finished = false;
  private readonly target: SnapshotTarget;
  private readonly operators: readonly SnapshotOperator[];
  private readonly captured: Captured[] = [];
  private readonly splits: (readonly Readonly<Record<string, unknown>>[] | undefined)[] = [];
  private readonly commits: (Promise<readonly PendingCommittable[]> | undefined)[] = [];
  /** Set when the last barrier has come: until then records in flight may be copied. */
  private alignment: AlignmentStatistics | undefined;
  private readonly begunAt: number;
  private syncMs = 0;
  private packed = false;
  private given = false;

  constructor(barrier: Barrier, operators: readonly SnapshotOperator[], target: SnapshotTarget) {
    this.barrier = barrier;
    this.operators = operators;
    this.target = target;
    this.begunAt = target.now();
  }

  /** Copies of the records of one channel go where the answer says. */
  capture(place: Captured["place"]): TakeRecord {
    const writer = new EntryWriter(`channel ${place.from} to ${place.to}`);
    this.captured.push({ place, writer });
    // A record may be any value: an entry wraps it.
    return (record, timestamp, keyGroup) => writer.entry({ r: record }, timestamp, keyGroup);
  }

  /** The synchronous part, tail to head: everything is as it is now. */
  freeze(): void {
    const { id, completed, purpose } = this.barrier;
    const mayDelta = purpose === "checkpoint" && this.target.store !== undefined;
    for (let i = this.operators.length - 1; i >= 0; i--) {
      const operator = this.operators[i]!;
      this.commits[i] = operator.prepareCommit?.(id);
      // Awaited at the end; until then its failure is nobody's unhandled rejection.
      this.commits[i]?.catch(() => undefined);
      this.splits[i] = operator.splits?.();
      for (const part of operator.parts) part.freeze(id, completed, mayDelta);
    }
    this.syncMs = this.target.now() - this.begunAt;
  }

  /** The last barrier has come. */
  aligned(statistics: AlignmentStatistics): void {
    this.alignment = statistics;
  }

  /** A slice of packing; true when something was done. */
  pack(): boolean {
    if (this.packed) return false;
    const until = this.target.now() + SNAPSHOT_SLICE_MS;
    const timeIsUp = () => this.target.now() >= until;
    for (const { parts } of this.operators) {
      for (const part of parts) if (!part.pack(timeIsUp)) return true;
    }
    this.packed = true;
    return true;
  }

  /** Nothing is missing any more: `store` can be called, once. */
  get ready(): boolean {
    return this.packed && this.alignment !== undefined && !this.given;
  }

  release(): void {
    for (const { parts } of this.operators) for (const part of parts) part.release();
  }

  async store(): Promise<TaskSnapshot> {
    this.given = true;
    const { target, barrier } = this;
    const packedAt = target.now();
    const blob = new SnapshotBlob(target.blobPath(barrier.id));
    const parts = this.operators.map((operator) => this.addParts(blob, operator));
    const channels: ChannelSnapshot[] = [];
    const stateBytes = blob.bytes;
    for (const { place, writer } of this.captured) {
      const { entries } = writer;
      if (entries === 0) continue;
      blob.add(writer.take(), "full", entries, (segment) => channels.push({ ...place, segment }));
    }
    const persistedBytes = blob.bytes - stateBytes;
    await blob.store(target.store, target.inlineBytes);
    const operators: OperatorSnapshot[] = [];
    for (const [i, { uid }] of this.operators.entries()) {
      const splits = this.splits[i];
      const committables = await this.commits[i];
      operators.push({
        uid,
        parts: parts[i]!(),
        ...(splits === undefined ? {} : { splits }),
        ...(committables === undefined ? {} : { committables }),
      });
    }
    const { vertex, subtask } = target;
    const statistics = {
      ...this.alignment!,
      syncMs: this.syncMs,
      asyncMs: target.now() - packedAt + (packedAt - this.begunAt - this.syncMs),
      stateBytes,
      persistedBytes,
      unaligned: this.captured.length > 0 || barrier.alignment === "unaligned",
    };
    return { vertex, subtask, finished: this.finished, operators, channels, statistics };
  }

  /** Adds an operator's segments to the blob; the answer gives its parts once the blob is stored. */
  private addParts(blob: SnapshotBlob, { parts }: SnapshotOperator): () => PartSnapshot[] {
    const { id } = this.barrier;
    const made = parts.map((part) => {
      const { kind, entries, chunks } = part.take();
      let snapshot: PartSnapshot | undefined;
      if (entries === 0) return () => part.stored(id, undefined, kind);
      blob.add(chunks, kind, entries, (segment) => {
        snapshot = part.stored(id, segment, kind);
      });
      return () => snapshot!;
    });
    return () => made.map((make) => make());
  }
}
