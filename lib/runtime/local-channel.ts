// @hot a direct call while open, one array write otherwise; guarded by benchmarks/nexmark
import { HELD_RECORDS_MAX } from "../base/limits.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { Bounds } from "../exchange/debloating.js";
import type { DebloatedChannel } from "./debloater.js";
import { ElementQueue, Queued } from "./element-queue.js";
import type { Input, Receiver, TakeRecord } from "./inputs.js";
import type { LatencyMarker } from "./latency-marker.js";
import type { Output, OutputOwner } from "./outputs.js";

/** Records that may wait before the sender is asked to stop: as few as its receiver's speed says. */
const QUEUE_BOUNDS = { minBytes: 16, maxBytes: 1024 };

/**
 * A channel within a slot. While `open`, the sender's chain calls the receiver's entry directly (see
 * chain-code.ts); otherwise elements queue in order. The receiver closes it before anything of its own
 * can be suspended, and opens it again once the queue is empty and nothing is pending.
 */
export class LocalChannel implements Output, Input, DebloatedChannel {
  open = true;
  held = false;
  wasHeld = false;
  ended = false;
  recordsTaken = 0;
  readonly unit = "records";
  readonly bounds: Bounds = QUEUE_BOUNDS;
  readonly firstLimit = QUEUE_BOUNDS.maxBytes;
  recordsOut = 0;
  /** Of a record given without its key group, as the sender's only receiver does not ask; a snapshot's next one may. */
  keyGroupOf: ((record: unknown) => number) | undefined;
  readonly bytesOut = 0;
  readonly bytesIn = 0;
  readonly waitingBytes = 0;
  readonly creditBytes = 0;
  private readonly receiver: Receiver;
  private readonly input: number;
  private readonly owner: OutputOwner;
  private readonly queue = new ElementQueue();
  private capturing: TakeRecord | undefined;
  /** A barrier that overtakes what is queued, or may have to, and the place in the queue where it was given. */
  private marked: { readonly barrier: Barrier; readonly at: number } | undefined;
  private markEnd = 0;
  private dropBarriersTo = 0;
  private softLimit = QUEUE_BOUNDS.maxBytes;

  constructor(receiver: Receiver, input: number, owner: OutputOwner) {
    this.receiver = receiver;
    this.input = input;
    this.owner = owner;
  }

  get recordsIn(): number {
    return this.recordsOut;
  }

  get framedRecords(): number {
    return this.recordsTaken;
  }

  get framedSize(): number {
    return this.recordsTaken;
  }

  get inFlight(): number {
    return this.queue.length;
  }

  setLimit(records: number): void {
    this.softLimit = records;
  }

  /** Queues a record; the chain calls it when the channel is not open. */
  push(record: unknown, timestamp: number, keyGroup: number): void {
    this.queue.record(record, timestamp, keyGroup);
    this.receiver.wake();
    const queued = this.queue.length;
    if (queued >= this.softLimit) this.owner.raise(queued >= HELD_RECORDS_MAX ? 2 : 1);
  }

  restore(record: unknown, timestamp: number, keyGroup: number): void {
    this.open = false;
    this.queue.record(record, timestamp, keyGroup);
  }

  watermark(watermark: number): void {
    if (this.open) this.receiver.onWatermark(this.input, watermark);
    else this.later(() => this.queue.watermark(watermark));
  }

  idle(idle: boolean): void {
    if (this.open) this.receiver.onIdle(this.input, idle);
    else this.later(() => this.queue.idle(idle));
  }

  latency(marker: LatencyMarker): void {
    if (this.open) this.receiver.onLatency(marker);
    else this.later(() => this.queue.latency(marker));
  }

  /** Always queued: the receiver takes its checkpoint in its own turn, not in the sender's. */
  barrier(barrier: Barrier): void {
    this.open = false;
    const { alignment, alignedTimeoutMs } = barrier;
    if (alignment === "aligned" && alignedTimeoutMs > 0) this.marked = { barrier, at: this.queue.end };
    this.later(() => this.queue.barrier(barrier));
  }

  readyToOvertake(): boolean {
    return true;
  }

  overtake(barrier: Barrier): void {
    this.open = false;
    this.marked = { barrier, at: this.queue.end };
    this.receiver.wake();
  }

  endOfData(): void {
    if (this.open) {
      this.ended = true;
      this.receiver.onEndOfData(this.input);
    } else this.later(() => this.queue.endOfData());
  }

  end(): void {
    if (this.open) this.receiver.onEnd(this.input);
    else this.later(() => this.queue.ending());
  }

  look(): void {
    const { marked } = this;
    if (marked === undefined) return;
    this.marked = undefined;
    this.markEnd = marked.at;
    const { barrier } = marked;
    if (barrier.alignment === "unaligned") this.receiver.onBarrier(this.input, barrier);
    else this.receiver.onAnnouncement(this.input, barrier);
  }

  overtaken(barrier: Barrier): void {
    this.dropBarriersTo = Math.max(this.dropBarriersTo, barrier.id);
  }

  startCapture(take: TakeRecord): void {
    this.open = false;
    this.capturing = this.withKeyGroup(take);
  }

  captureToMark(take: TakeRecord): void {
    this.capturing = undefined;
    this.queue.records(Math.max(this.markEnd, this.queue.begin), this.withKeyGroup(take));
  }

  stopCapture(): void {
    this.capturing = undefined;
  }

  /** May the sender call the receiver directly? */
  get mayOpen(): boolean {
    return this.queue.length === 0 && !this.held && this.capturing === undefined && this.marked === undefined;
  }

  drain(limit: number, blocked: () => boolean): number {
    const { queue, receiver, input } = this;
    if (this.held) this.wasHeld = true;
    let taken = 0;
    while (taken < limit && queue.length > 0 && !this.held && !blocked()) {
      // What stands behind a mark is never taken before the mark is told.
      if (this.marked !== undefined) {
        this.look();
        continue;
      }
      taken++;
      const { kind, value, stamp, keyGroup } = queue;
      queue.shift();
      switch (kind) {
        case Queued.RECORD:
          this.recordsTaken++;
          if (this.capturing !== undefined) this.capturing(value, stamp, keyGroup);
          receiver.entry(value, stamp, keyGroup);
          break;
        case Queued.WATERMARK:
          receiver.onWatermark(input, stamp);
          break;
        case Queued.IDLE:
          receiver.onIdle(input, stamp === 1);
          break;
        case Queued.LATENCY:
          receiver.onLatency(value as LatencyMarker);
          break;
        case Queued.BARRIER:
          if ((value as Barrier).id > this.dropBarriersTo) receiver.onBarrier(input, value as Barrier);
          break;
        case Queued.END_OF_DATA:
          this.ended = true;
          receiver.onEndOfData(input);
          break;
        default:
          receiver.onEnd(input);
      }
    }
    return taken;
  }

  get level(): 0 | 1 | 2 {
    const queued = this.queue.length;
    return queued < this.softLimit ? 0 : queued < HELD_RECORDS_MAX ? 1 : 2;
  }

  /** What is queued is the receiver's already. */
  get drained(): boolean {
    return true;
  }

  pump(): boolean {
    return false;
  }

  rest(): void {}

  private withKeyGroup(take: TakeRecord): TakeRecord {
    const { keyGroupOf } = this;
    if (keyGroupOf === undefined) return take;
    return (record, timestamp) => take(record, timestamp, keyGroupOf(record));
  }

  private later(queue: () => void): void {
    queue();
    this.receiver.wake();
  }
}
