import { FRAME_BYTES, OVERFLOW_FRAMES_MAX } from "../base/limits.js";
import type { FrameKind, FrameSink, RecordWriter } from "../codec/contract.js";
import { createRecordWriter } from "../codec/record-writer.js";
import type { Doorbell } from "../exchange/doorbell.js";
import { RingWriter } from "../exchange/ring.js";
import { ElementKind } from "./element-kind.js";
import type { Output, OutputOwner } from "./outputs.js";

export interface RingChannelOptions {
  /** The sending operator, for errors. */
  readonly where: string;
  /** How long a batch waits for more records, ms. */
  readonly bufferTimeoutMs: number;
  /** The receiver keeps records. */
  readonly retained: boolean;
}

interface WaitingFrame {
  readonly kind: number;
  readonly records: number;
  readonly bytes: Buffer;
}

/**
 * The upstream half of a channel to another slot: records are batched, batches become frames, frames go to
 * the ring, and what the ring does not take waits in the overflow, in order.
 */
export class RingChannel implements Output, FrameSink {
  readonly writer: RecordWriter;
  recordsOut = 0;
  bytesOut = 0;
  private readonly ring: RingWriter;
  private readonly owner: OutputOwner;
  private readonly bufferTimeoutMs: number;
  private readonly control = Buffer.alloc(8);
  private waiting: WaitingFrame[] = [];
  private since = Number.NaN;

  constructor(sab: SharedArrayBuffer, peer: Doorbell, owner: OutputOwner, options: RingChannelOptions) {
    this.ring = new RingWriter(sab, peer);
    this.owner = owner;
    this.bufferTimeoutMs = options.bufferTimeoutMs;
    this.writer = createRecordWriter(this, { ...options, frameBytes: FRAME_BYTES });
  }

  frame(kind: FrameKind, bytes: Buffer, length: number, records: number): void {
    this.recordsOut += records;
    this.send(kind, bytes, length, records);
  }

  watermark(watermark: number): void {
    this.writer.flush();
    this.control.writeDoubleLE(watermark);
    this.send(ElementKind.WATERMARK, this.control, 8, 0);
    this.ring.ring();
  }

  idle(idle: boolean): void {
    this.writer.flush();
    this.send(idle ? ElementKind.IDLE : ElementKind.ACTIVE, this.control, 0, 0);
    this.ring.ring();
  }

  end(): void {
    this.writer.flush();
    this.send(ElementKind.END, this.control, 0, 0);
    this.ring.ring();
  }

  pump(): boolean {
    let moved = 0;
    for (const frame of this.waiting) {
      if (!this.ring.tryWrite(frame.kind, frame.records, frame.bytes, frame.bytes.length)) break;
      moved++;
    }
    if (moved > 0) {
      this.waiting = this.waiting.slice(moved);
      this.ring.ring();
    }
    return moved > 0;
  }

  /** A batch goes on when the receiver has nothing else, or when it has waited for the buffer timeout. */
  rest(steady: number): void {
    if (this.writer.pending === 0) this.since = Number.NaN;
    else if (Number.isNaN(this.since)) this.since = steady;
    if (this.ring.inFlightBytes === 0 || steady - this.since >= this.bufferTimeoutMs) {
      this.writer.flush();
      this.since = Number.NaN;
    }
    this.ring.ring();
  }

  get level(): 0 | 1 | 2 {
    return this.waiting.length === 0 ? 0 : this.waiting.length < OVERFLOW_FRAMES_MAX ? 1 : 2;
  }

  get drained(): boolean {
    return this.waiting.length === 0 && this.writer.pending === 0;
  }

  private send(kind: number, bytes: Buffer, length: number, records: number): void {
    this.bytesOut += length;
    if (this.waiting.length === 0 && this.ring.tryWrite(kind, records, bytes, length)) return;
    this.waiting.push({ kind, records, bytes: Buffer.from(bytes.subarray(0, length)) });
    this.owner.raise(this.waiting.length < OVERFLOW_FRAMES_MAX ? 1 : 2);
  }
}
