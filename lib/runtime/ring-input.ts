// @hot one frame at a time; guarded by benchmarks/exchange
import type { Gate } from "../base/gate.js";
import { CREDIT_BYTES_FIRST } from "../base/limits.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { FrameKind, RecordReader } from "../codec/contract.js";
import { createRecordReader } from "../codec/record-reader.js";
import type { Bounds, DebloatSettings } from "../exchange/debloating.js";
import type { Doorbell } from "../exchange/doorbell.js";
import { RingReader } from "../exchange/ring.js";
import { frameSpace } from "../exchange/ring-layout.js";
import type { DebloatedChannel } from "./debloater.js";
import { ElementKind } from "./element-kind.js";
import { ElementQueue, Queued } from "./element-queue.js";
import type { Input, Receiver, TakeRecord } from "./inputs.js";
import type { LatencyMarker } from "./latency-marker.js";

export interface RingInputOptions {
  /** The receiver keeps records. */
  readonly retained: boolean;
  /** Absent: the limit stays as it is. */
  readonly debloat: DebloatSettings | undefined;
}

/** Bytes of a record that waits while none has come in a frame yet. */
const RECORD_BYTES_GUESS = 100;

/**
 * The downstream half of a channel from another slot. Records are decoded straight from the ring; what a
 * checkpoint took out of it ahead of time, or brought back, waits as objects in a queue before it.
 */
export class RingInput implements Input, DebloatedChannel {
  held = false;
  wasHeld = false;
  ended = false;
  bytesIn = 0;
  recordsTaken = 0;
  readonly unit = "bytes";
  framedRecords = 0;
  framedSize = 0;
  readonly bounds: Bounds;
  readonly firstLimit: number;
  private readonly ring: RingReader;
  private readonly reader: RecordReader;
  private readonly receiver: Receiver;
  private readonly input: number;
  private readonly queue = new ElementQueue();
  private frameOpen = false;
  private capturing: TakeRecord | undefined;
  private dropBarriersTo = 0;
  /** What the sender may have in flight, of which it gets what is not queued here. */
  private limit: number;

  constructor(
    sab: SharedArrayBuffer,
    peer: Doorbell,
    receiver: Receiver,
    input: number,
    gate: Gate,
    { retained, debloat }: RingInputOptions,
  ) {
    this.ring = new RingReader(sab, peer);
    this.receiver = receiver;
    this.input = input;
    this.reader = createRecordReader(receiver.entry, gate, retained);
    this.limit = this.ring.credit;
    const maxBytes = Math.min(debloat?.maxBytes ?? this.limit, this.ring.creditMax);
    this.bounds = { minBytes: Math.min(debloat?.minBytes ?? maxBytes, maxBytes), maxBytes };
    this.firstLimit = CREDIT_BYTES_FIRST;
  }

  /** Hands up to about `limit` records to the task while it can take them; answers how many elements. */
  drain(limit: number, blocked: () => boolean): number {
    if (this.held) this.wasHeld = true;
    let taken = 0;
    while (taken < limit && !this.held && !blocked()) {
      if (this.queue.length > 0) {
        taken += this.drainQueue(limit - taken, blocked);
      } else if (this.frameOpen) {
        const given = this.reader.drain(limit - taken);
        this.recordsTaken += given;
        taken += given;
        if (this.reader.remaining > 0) break;
        this.closeFrame();
      } else {
        if (!this.ring.peek()) break;
        // Behind the look at what was published: a frame behind a mark is never taken before it is told.
        this.look();
        if (this.held || this.queue.length > 0 || blocked()) continue;
        this.takeFrame();
        taken++;
      }
    }
    return taken;
  }

  look(): void {
    const content = this.ring.takeMark();
    if (content === undefined) return;
    const barrier = JSON.parse(content.toString()) as Barrier;
    if (barrier.alignment === "unaligned") this.receiver.onBarrier(this.input, barrier);
    else this.receiver.onAnnouncement(this.input, barrier);
  }

  overtaken(barrier: Barrier): void {
    this.dropBarriersTo = Math.max(this.dropBarriersTo, barrier.id);
  }

  startCapture(take: TakeRecord): void {
    this.capturing = take;
    const { entry } = this.receiver;
    this.reader.redirect((record, timestamp, keyGroup) => {
      take(record, timestamp, keyGroup);
      entry(record, timestamp, keyGroup);
    });
  }

  captureToMark(take: TakeRecord): void {
    this.queue.records(this.queue.end, take);
    this.capturing = undefined;
    this.reader.redirect((record, timestamp, keyGroup) => {
      take(record, timestamp, keyGroup);
      this.queue.record(record, timestamp, keyGroup);
    }, true);
    if (this.frameOpen) this.emptyFrame();
    while (this.ring.bytesBeforeMark > 0 && this.ring.peek()) {
      if (this.ring.kind < 16) {
        this.openFrame();
        this.emptyFrame();
      } else this.queueControl();
    }
    this.reader.redirect(undefined);
    this.grant();
  }

  stopCapture(): void {
    if (this.capturing === undefined) return;
    this.capturing = undefined;
    this.reader.redirect(undefined);
  }

  restore(record: unknown, timestamp: number, keyGroup: number): void {
    this.queue.record(record, timestamp, keyGroup);
  }

  get recordsIn(): number {
    return this.recordsTaken;
  }

  /** What the channel holds on this side, queued records at their usual size. */
  get inFlight(): number {
    return this.ring.availableBytes + this.queuedBytes;
  }

  setLimit(bytes: number): void {
    this.limit = bytes;
    this.grant();
  }

  private get queuedBytes(): number {
    if (this.queue.length === 0) return 0;
    const recordBytes = this.framedRecords > 0 ? this.framedSize / this.framedRecords : RECORD_BYTES_GUESS;
    return Math.ceil(this.queue.length * recordBytes);
  }

  /** What was taken out of the ring ahead of time is in flight all the same. */
  private grant(): void {
    this.ring.setCredit(Math.max(0, this.limit - this.queuedBytes));
  }

  private drainQueue(limit: number, blocked: () => boolean): number {
    let taken = 0;
    while (taken < limit && this.queue.length > 0 && !this.held && !blocked()) {
      this.takeQueued();
      taken++;
    }
    this.grant();
    return taken;
  }

  private takeQueued(): void {
    const { queue, receiver, input } = this;
    const { kind, value, stamp, keyGroup } = queue;
    queue.shift();
    if (kind === Queued.RECORD) {
      this.recordsTaken++;
      if (this.capturing !== undefined) this.capturing(value, stamp, keyGroup);
      receiver.entry(value, stamp, keyGroup);
    } else if (kind === Queued.WATERMARK) receiver.onWatermark(input, stamp);
    else if (kind === Queued.IDLE) receiver.onIdle(input, stamp === 1);
    else if (kind === Queued.LATENCY) receiver.onLatency(value as LatencyMarker);
    else if (kind === Queued.BARRIER) this.takeBarrier(value as Barrier);
    else this.takeEnd(kind === Queued.END);
  }

  private takeEnd(isAll: boolean): void {
    this.ended = true;
    if (isAll) this.receiver.onEnd(this.input);
    else this.receiver.onEndOfData(this.input);
  }

  private takeFrame(): void {
    if (this.ring.kind < 16) {
      this.openFrame();
      return;
    }
    const { kind } = this.ring;
    const content = this.takeContent();
    switch (kind) {
      case ElementKind.WATERMARK:
        this.receiver.onWatermark(this.input, content as number);
        break;
      case ElementKind.BARRIER:
        this.takeBarrier(content as Barrier);
        break;
      case ElementKind.LATENCY:
        this.receiver.onLatency(content as LatencyMarker);
        break;
      case ElementKind.END_OF_DATA:
      case ElementKind.END:
        this.takeEnd(kind === ElementKind.END);
        break;
      default:
        this.receiver.onIdle(this.input, kind === ElementKind.IDLE);
    }
  }

  /** As `takeFrame` for what is no record, but into the queue. */
  private queueControl(): void {
    const { kind } = this.ring;
    const content = this.takeContent();
    if (kind === ElementKind.WATERMARK) this.queue.watermark(content as number);
    else if (kind === ElementKind.BARRIER) this.queue.barrier(content as Barrier);
    else if (kind === ElementKind.LATENCY) this.queue.latency(content as LatencyMarker);
    else if (kind === ElementKind.END_OF_DATA) this.queue.endOfData();
    else if (kind === ElementKind.END) this.queue.ending();
    else this.queue.idle(kind === ElementKind.IDLE);
  }

  /** The watermark, barrier or marker in a control frame; gives its memory back. */
  private takeContent(): number | Barrier | LatencyMarker | undefined {
    const { kind, offset, length, memory } = this.ring;
    this.bytesIn += length;
    this.framedSize += frameSpace(length);
    let content: number | Barrier | LatencyMarker | undefined;
    if (kind === ElementKind.WATERMARK) content = memory.bytes.readDoubleLE(offset);
    else if (kind === ElementKind.BARRIER) {
      content = JSON.parse(memory.bytes.toString("utf8", offset, offset + length)) as Barrier;
    } else if (kind === ElementKind.LATENCY) {
      content = { at: memory.bytes.readDoubleLE(offset), source: memory.bytes.readUInt32LE(offset + 8) };
    }
    this.ring.release();
    return content;
  }

  private takeBarrier(barrier: Barrier): void {
    if (barrier.id > this.dropBarriersTo) this.receiver.onBarrier(this.input, barrier);
  }

  private openFrame(): void {
    const { kind, offset, length, records, memory } = this.ring;
    this.bytesIn += length;
    this.framedSize += frameSpace(length);
    this.framedRecords += records;
    this.reader.open(kind as FrameKind, memory, offset, length);
    this.frameOpen = true;
  }

  private emptyFrame(): void {
    while (this.reader.remaining > 0) this.reader.drain(this.reader.remaining);
    this.closeFrame();
  }

  private closeFrame(): void {
    this.frameOpen = false;
    this.ring.release();
  }
}
