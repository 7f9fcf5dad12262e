// @hot a direct call while open, one array write otherwise; guarded by benchmarks/nexmark
import type { Output, OutputOwner } from "./outputs.js";

/** Records that may wait before the sender is asked to stop, and to suspend. */
const QUEUE_SOFT = 1024;
const QUEUE_HARD = 65_536;

const RECORD = 0;
const WATERMARK = 1;
const IDLE = 2;
const END = 3;

/** What the receiving task offers a local channel. */
export interface LocalReceiver {
  readonly entry: (record: unknown, timestamp: number, keyGroup: number) => void;
  onWatermark(input: number, watermark: number): void;
  onIdle(input: number, idle: boolean): void;
  onEnd(input: number): void;
  /** There is something queued. */
  wake(): void;
}

/**
 * A channel within a slot. While `open`, the sender's chain calls the receiver's entry directly (see
 * chain-code.ts); otherwise elements queue in order. The receiver closes it before anything of its own
 * can be suspended, and opens it again once the queue is empty and nothing is pending.
 */
export class LocalChannel implements Output {
  open = true;
  recordsOut = 0;
  readonly bytesOut = 0;
  private readonly receiver: LocalReceiver;
  private readonly input: number;
  private readonly owner: OutputOwner;
  private kinds: number[] = [];
  private records: unknown[] = [];
  private timestamps: number[] = [];
  private keyGroups: number[] = [];
  private head = 0;

  constructor(receiver: LocalReceiver, input: number, owner: OutputOwner) {
    this.receiver = receiver;
    this.input = input;
    this.owner = owner;
  }

  /** Queues a record; the chain calls it when the channel is not open. */
  push(record: unknown, timestamp: number, keyGroup: number): void {
    this.queue(RECORD, record, timestamp, keyGroup);
    const queued = this.kinds.length - this.head;
    if (queued >= QUEUE_SOFT) this.owner.raise(queued >= QUEUE_HARD ? 2 : 1);
  }

  watermark(watermark: number): void {
    if (this.open) this.receiver.onWatermark(this.input, watermark);
    else this.queue(WATERMARK, undefined, watermark, 0);
  }

  idle(idle: boolean): void {
    if (this.open) this.receiver.onIdle(this.input, idle);
    else this.queue(IDLE, undefined, idle ? 1 : 0, 0);
  }

  end(): void {
    if (this.open) this.receiver.onEnd(this.input);
    else this.queue(END, undefined, 0, 0);
  }

  /** Hands up to `limit` queued elements to the receiver while it can take them. */
  drain(limit: number, blocked: () => boolean): number {
    let taken = 0;
    while (taken < limit && this.head < this.kinds.length && !blocked()) {
      const at = this.head++;
      taken++;
      const kind = this.kinds[at];
      if (kind === RECORD) this.receiver.entry(this.records[at], this.timestamps[at]!, this.keyGroups[at]!);
      else if (kind === WATERMARK) this.receiver.onWatermark(this.input, this.timestamps[at]!);
      else if (kind === IDLE) this.receiver.onIdle(this.input, this.timestamps[at] === 1);
      else this.receiver.onEnd(this.input);
      this.records[at] = undefined;
    }
    if (this.head === this.kinds.length && this.head > 0) {
      this.kinds = [];
      this.records = [];
      this.timestamps = [];
      this.keyGroups = [];
      this.head = 0;
    }
    return taken;
  }

  get level(): 0 | 1 | 2 {
    const queued = this.kinds.length - this.head;
    return queued < QUEUE_SOFT ? 0 : queued < QUEUE_HARD ? 1 : 2;
  }

  get drained(): boolean {
    return this.kinds.length === 0;
  }

  pump(): boolean {
    return false;
  }

  rest(): void {}

  private queue(kind: number, record: unknown, timestamp: number, keyGroup: number): void {
    this.kinds.push(kind);
    this.records.push(record);
    this.timestamps.push(timestamp);
    this.keyGroups.push(keyGroup);
    this.receiver.wake();
  }
}
