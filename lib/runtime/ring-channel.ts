import { assert } from "../base/assert.js";
import { HELD_RECORDS_MAX } from "../base/limits.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { FrameKind, FrameSink, RecordWriter } from "../codec/contract.js";
import { createRecordWriter } from "../codec/record-writer.js";
import type { Doorbell } from "../exchange/doorbell.js";
import { RingWriter } from "../exchange/ring.js";
import { ElementKind } from "./element-kind.js";
import { ElementQueue, Queued } from "./element-queue.js";
import type { TakeRecord } from "./inputs.js";
import type { LatencyMarker } from "./latency-marker.js";
import type { Output, OutputOwner } from "./outputs.js";

export interface RingChannelOptions {
  /** The sending operator, for errors. */
  readonly where: string;
  /** How long a batch waits for more records, ms. */
  readonly bufferTimeoutMs: number;
  /** The receiver keeps records. */
  readonly retained: boolean;
}

const LATENCY_BYTES = 12;

interface WaitingFrame {
  readonly kind: number;
  readonly records: number;
  readonly bytes: Buffer;
}

/**
 * The upstream half of a channel to another slot: records are batched, batches become frames in the ring.
 * Without credit the batch that has begun still goes; what comes after is *held*, as records: they are this
 * side's part of an unaligned checkpoint, while everything in the ring is the receiver's.
 */
export class RingChannel implements Output, FrameSink {
  readonly writer: RecordWriter;
  /** Out of credit: records go to `hold` instead of the writer. Read by generated code. */
  held = false;
  recordsOut = 0;
  bytesOut = 0;
  private readonly ring: RingWriter;
  private readonly owner: OutputOwner;
  private readonly bufferTimeoutMs: number;
  private readonly control = Buffer.alloc(LATENCY_BYTES);
  private readonly queue = new ElementQueue();
  /** Frames that found no room at all: parts of large records. */
  private frames: WaitingFrame[] = [];
  private frameBytes: number;
  private since = Number.NaN;

  constructor(sab: SharedArrayBuffer, peer: Doorbell, owner: OutputOwner, options: RingChannelOptions) {
    this.ring = new RingWriter(sab, peer);
    this.owner = owner;
    this.bufferTimeoutMs = options.bufferTimeoutMs;
    this.frameBytes = this.ring.frameBytesMax;
    this.writer = createRecordWriter(this, { ...options, frameBytes: this.frameBytes });
    this.followCredit();
  }

  /** Takes a record while there is no credit. */
  hold(record: unknown, timestamp: number, keyGroup: number): void {
    this.queue.record(record, timestamp, keyGroup);
    if (this.queue.length >= HELD_RECORDS_MAX) this.owner.raise(2);
  }

  frame(kind: FrameKind, bytes: Buffer, length: number, records: number): void {
    this.recordsOut += records;
    this.send(kind, bytes, length, records);
    this.followCredit();
  }

  watermark(watermark: number): void {
    if (this.ready()) this.tell(Queued.WATERMARK, watermark);
    else this.queue.watermark(watermark);
  }

  idle(idle: boolean): void {
    if (this.ready()) this.tell(Queued.IDLE, idle ? 1 : 0);
    else this.queue.idle(idle);
  }

  latency(marker: LatencyMarker): void {
    if (this.ready()) this.tell(Queued.LATENCY, 0, marker);
    else this.queue.latency(marker);
  }

  barrier(barrier: Barrier): void {
    if (this.ready()) this.tell(Queued.BARRIER, 0, barrier);
    else this.queue.barrier(barrier);
  }

  readyToOvertake(): boolean {
    if (this.writer.pending > 0) this.writer.flush();
    return this.frames.length === 0;
  }

  overtake(barrier: Barrier, take: TakeRecord): void {
    assert(this.readyToOvertake(), "what was sent is in the ring, in front of the mark, or held");
    this.queue.records(this.queue.end, take);
    this.ring.mark(Buffer.from(JSON.stringify(barrier)));
  }

  endOfData(): void {
    if (this.ready()) this.tell(Queued.END_OF_DATA, 0);
    else this.queue.endOfData();
  }

  end(): void {
    if (this.ready()) this.tell(Queued.END, 0);
    else this.queue.ending();
  }

  pump(): boolean {
    if (!this.held) return false;
    let moved = 0;
    // A record that has begun is finished, so that a barrier can overtake what is behind it.
    for (const { kind, records, bytes } of this.frames) {
      if (!this.ring.tryWriteBeyond(kind, records, bytes, bytes.length)) break;
      moved++;
    }
    if (moved > 0) this.frames = this.frames.slice(moved);
    if (this.frames.length === 0 && this.ring.hasCredit) {
      this.held = false;
      moved++;
      this.release();
    }
    if (moved > 0) this.ring.ring();
    return moved > 0;
  }

  /** A batch goes on when the receiver has nothing else, or when it has waited for the buffer timeout. */
  rest(steady: number): void {
    this.followCredit();
    if (this.writer.pending === 0) this.since = Number.NaN;
    else if (Number.isNaN(this.since)) this.since = steady;
    if (this.ring.inFlightBytes === 0 || steady - this.since >= this.bufferTimeoutMs) {
      this.writer.flush();
      this.since = Number.NaN;
    }
    this.ring.ring();
  }

  /** What was given and is not in the ring yet, as far as the size of records is known. */
  get waitingBytes(): number {
    const waiting = this.frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return (
      waiting + ((this.queue.length + this.writer.pending) * this.bytesOut) / Math.max(1, this.recordsOut)
    );
  }

  get creditBytes(): number {
    return this.ring.credit;
  }

  get level(): 0 | 1 | 2 {
    return !this.held ? 0 : this.queue.length < HELD_RECORDS_MAX ? 1 : 2;
  }

  get drained(): boolean {
    return !this.held && this.queue.length === 0 && this.writer.pending === 0;
  }

  /** Sends what was held until the credit is used up again. */
  private release(): void {
    const { queue } = this;
    while (queue.length > 0 && !this.held) {
      const { kind, value, stamp, keyGroup } = queue;
      if (kind !== Queued.RECORD && !this.ready()) return;
      queue.shift();
      if (kind === Queued.RECORD) this.writer.write(value, stamp, keyGroup);
      else this.tell(kind, stamp, value);
    }
  }

  /** Ends the open batch; false when what follows has to wait behind held records. */
  private ready(): boolean {
    if (!this.held) this.writer.flush();
    return !this.held;
  }

  /** Sends what is no record; nothing may be held or in the open batch. */
  private tell(kind: number, stamp: number, value?: unknown): void {
    if (kind === Queued.WATERMARK) {
      this.control.writeDoubleLE(stamp);
      this.send(ElementKind.WATERMARK, this.control, 8, 0);
    } else if (kind === Queued.BARRIER) {
      const content = Buffer.from(JSON.stringify(value));
      const { alignment, alignedTimeoutMs } = value as Barrier;
      // One that is unaligned and comes in band overtakes nothing here: a mark would make it seem to.
      if (alignment === "aligned" && alignedTimeoutMs > 0) this.ring.mark(content);
      this.send(ElementKind.BARRIER, content, content.length, 0);
    } else if (kind === Queued.LATENCY) {
      const { source, at } = value as LatencyMarker;
      this.control.writeDoubleLE(at);
      this.control.writeUInt32LE(source, 8);
      this.send(ElementKind.LATENCY, this.control, LATENCY_BYTES, 0);
    } else if (kind === Queued.IDLE) {
      this.send(stamp === 1 ? ElementKind.IDLE : ElementKind.ACTIVE, this.control, 0, 0);
    } else {
      const isEnd = kind === Queued.END;
      this.send(isEnd ? ElementKind.END : ElementKind.END_OF_DATA, this.control, 0, 0);
    }
    this.ring.ring();
  }

  private send(kind: number, bytes: Buffer, length: number, records: number): void {
    this.bytesOut += length;
    if (this.frames.length === 0) {
      if (this.ring.tryWrite(kind, records, bytes, length)) return;
      this.close();
      if (this.ring.tryWriteBeyond(kind, records, bytes, length)) return;
    }
    this.frames.push({ kind, records, bytes: Buffer.from(bytes.subarray(0, length)) });
  }

  /** A batch takes a part of the credit only: a small credit must not wait for a large batch. */
  private followCredit(): void {
    const { frameBytes } = this.ring;
    if (frameBytes === this.frameBytes) return;
    this.frameBytes = frameBytes;
    this.writer.limitFrames(frameBytes);
  }

  private close(): void {
    this.held = true;
    this.owner.raise(1);
  }
}
