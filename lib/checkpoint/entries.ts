/**
 * Entries <-> bytes: a stream of the codec's frames that can be read by itself, whatever wrote it.
 *
 *   | i32 kind | i32 length | i32 records | i32 0 | frame, padded to 8 bytes | ...
 */

import { MillraceError } from "../base/error.js";
import { FrameKind, type FrameSink, frameMemory, type RecordWriter } from "../codec/contract.js";
import { createRecordReader } from "../codec/record-reader.js";
import { createRecordWriter } from "../codec/record-writer.js";
import type { EntrySink } from "../state/contract.js";

const FRAME_HEADER = 16;

/** Writes entries; may be used again and again, for one stream after the other. */
export class EntryWriter implements EntrySink, FrameSink {
  entries = 0;
  bytes = 0;
  private chunks: Uint8Array[] = [];
  private readonly writer: RecordWriter;

  /** `where`: the operator, for errors. */
  constructor(where: string) {
    this.writer = createRecordWriter(this, { where });
  }

  entry(value: unknown, stamp: number, keyGroup: number): void {
    this.entries++;
    this.writer.write(value, stamp, keyGroup);
  }

  frame(kind: FrameKind, bytes: Buffer, length: number, records: number): void {
    const padded = (length + 7) & ~7;
    const chunk = Buffer.allocUnsafeSlow(FRAME_HEADER + padded);
    chunk.writeInt32LE(kind, 0);
    chunk.writeInt32LE(length, 4);
    chunk.writeInt32LE(records, 8);
    chunk.writeInt32LE(0, 12);
    bytes.copy(chunk, FRAME_HEADER, 0, length);
    chunk.fill(0, FRAME_HEADER + length);
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** Ends the stream: its bytes. What is written next is a stream of its own. */
  take(): readonly Uint8Array[] {
    this.writer.flush();
    const { chunks } = this;
    this.chunks = [];
    this.entries = 0;
    this.bytes = 0;
    // Tells what it knows of the entries' shapes once more, as the beginning of the next stream.
    this.writer.restart();
    return chunks;
  }
}

/** Calls back for every entry of a stream. Throws CHECKPOINT_TORN for what is none. */
export function readEntries(
  bytes: Uint8Array,
  take: (value: unknown, stamp: number, keyGroup: number) => void,
): void {
  const memory = frameMemory(aligned(bytes));
  const reader = createRecordReader(take, { level: 0 }, true);
  let at = 0;
  while (at < bytes.length) {
    const kind = memory.i32[at >> 2] as FrameKind;
    const length = memory.i32[(at >> 2) + 1]!;
    const end = at + FRAME_HEADER + ((length + 7) & ~7);
    if (!Object.values(FrameKind).includes(kind) || length < 0 || end > bytes.length) {
      throw new MillraceError("CHECKPOINT_TORN", `no frame of entries at byte ${at} of ${bytes.length}`);
    }
    reader.open(kind, memory, at + FRAME_HEADER, length);
    while (reader.remaining > 0) reader.drain(reader.remaining);
    at = end;
  }
}

/** The bytes in memory of their own, which begins at a multiple of 8. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  const memory = new ArrayBuffer((bytes.length + 7) & ~7);
  new Uint8Array(memory).set(bytes);
  return memory;
}
