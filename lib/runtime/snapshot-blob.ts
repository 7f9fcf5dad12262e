/** Gathers the segments of a task's snapshot into one blob, or hands few bytes over as they are. */
import { crc32 } from "node:zlib";
import type { Segment, SegmentPlace } from "../checkpoint/snapshot.js";
import type { BlobStore } from "../storage/contract.js";

interface PendingSegment {
  readonly at: number;
  readonly crc: number;
  readonly make: (place: SegmentPlace) => void;
}

export class SnapshotBlob {
  bytes = 0;
  private readonly path: string;
  private readonly chunks: Uint8Array[] = [];
  private readonly segments: PendingSegment[] = [];
  private readonly lengths: number[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** Adds a segment; `stored` is told of it once the blob is. */
  add(
    chunks: readonly Uint8Array[],
    kind: Segment["kind"],
    entries: number,
    stored: (segment: Segment) => void,
  ): void {
    const at = this.bytes;
    let length = 0;
    let crc = 0;
    for (const chunk of chunks) {
      this.chunks.push(chunk);
      crc = crc32(chunk, crc);
      length += chunk.length;
    }
    this.bytes += length;
    this.lengths.push(length);
    this.segments.push({ at, crc, make: (place) => stored({ place, bytes: length, kind, entries }) });
  }

  /** Without a store, and below a limit, the bytes travel with the snapshot. */
  async store(store: BlobStore | undefined, inlineBytes: number): Promise<void> {
    if (store !== undefined && this.bytes > inlineBytes) {
      await store.put(this.path, this.chunks);
      for (const { make, at, crc } of this.segments) make({ blob: this.path, offset: at, crc });
      return;
    }
    const whole = Buffer.concat(this.chunks);
    this.segments.forEach(({ make, at }, i) => {
      make({ inline: new Uint8Array(whole.subarray(at, at + this.lengths[i]!)) });
    });
  }
}
