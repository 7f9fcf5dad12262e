/**
 * Records <-> bytes for channels between slots. One writer and one reader per channel, both generated for
 * the shapes of the records that pass. A *frame* holds one batch of records; layouts are in batch-layout.ts.
 *
 * The writer learns shapes from the records (or is given a type), guards every record by them, and tells
 * the reader of each new shape by a schema frame in the stream itself.
 *
 * Called by: runtime (channels), checkpoint. May import: base. Knows no rings, no threads.
 */
export const FrameKind = { SCHEMA: 1, BATCH: 2, FRAGMENT: 3 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** Where finished frames go. `bytes` holds the frame at [0, length) and is valid during the call only. */
export interface FrameSink {
  frame(kind: FrameKind, bytes: Buffer, length: number, records: number): void;
}

/** Takes a decoded record. */
export type Accept = (record: unknown, timestamp: number, keyGroup: number) => void;

export interface RecordWriter {
  /**
   * @hot Adds a record to the open batch; a full batch goes to the sink first. The field is replaced when a
   * new shape is learned: always call it through the object. Throws RECORD_NOT_CARRIABLE naming the path.
   */
  write: (record: unknown, timestamp: number, keyGroup: number) => void;
  /** Records in the open batch. */
  readonly pending: number;
  /** Ends the open batch and hands it to the sink. */
  flush(): void;
  /** From now on a batch is full at about so many bytes, also the open one; at most what the writer was made for. */
  limitFrames(bytes: number): void;
  /** Forgets what earlier frames told: those that follow can be read by a reader of their own. */
  restart(): void;
}

export interface RecordReader {
  /** Takes one frame, which lies in `memory` (shared or not) at [offset, offset + length), 8-byte aligned. */
  open(kind: FrameKind, memory: FrameMemory, offset: number, length: number): void;
  /**
   * @hot Gives up to `limit` records of the open frame to the accept function, stopping early when the gate
   * closes. Answers how many were given. The frame's memory may be reused once `remaining` is 0.
   */
  drain(limit: number): number;
  readonly remaining: number;
  /** Gives records to another function, or again (undefined) to the first one; `through`: whatever the gate says. */
  redirect(accept: Accept | undefined, through?: boolean): void;
}

/** The views of one piece of memory that generated code reads; made once per buffer. */
export interface FrameMemory {
  readonly bytes: Buffer;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
}

export function frameMemory(buffer: ArrayBufferLike): FrameMemory {
  return {
    bytes: Buffer.from(buffer as ArrayBuffer),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    i64: new BigInt64Array(buffer),
  };
}
