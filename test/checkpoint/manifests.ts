/** Manifests for tests. */
import type { Manifest, OperatorSnapshot, Segment, SegmentPlace } from "../../lib/checkpoint/snapshot.js";

export function segment(place: SegmentPlace, bytes: number): Segment {
  return { place, bytes, kind: "full", entries: 1 };
}

/** One byte of a blob. */
export function byteOf(blob: string): Segment {
  return segment({ blob, offset: 0, crc: 0 }, 1);
}

export function manifestOf(
  jobId: string,
  checkpoint: number,
  chain: readonly Segment[],
  more: Partial<Manifest> = {},
): Manifest {
  const snapshot: OperatorSnapshot = {
    uid: "counts",
    parts: [{ name: "value", scope: "keyed", schema: { kind: "value" }, chain }],
    splits: [{ id: "file-1", position: 17 }],
    committables: [{ checkpoint, committable: { file: "part-0" } }],
  };
  return {
    job: "test",
    jobId,
    checkpoint,
    purpose: "checkpoint",
    timestamp: 1000 + checkpoint,
    operators: [
      {
        uid: "counts",
        name: "counts",
        parallelism: 2,
        maxParallelism: 128,
        subtasks: [snapshot, undefined],
        finished: [false, true],
        enumerator: { left: [1, 2] },
      },
    ],
    edges: [],
    ...more,
  };
}
