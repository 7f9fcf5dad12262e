// @hot one frame at a time; guarded by benchmarks/exchange
import type { Gate } from "../base/gate.js";
import type { FrameKind, RecordReader } from "../codec/contract.js";
import { createRecordReader } from "../codec/record-reader.js";
import type { Doorbell } from "../exchange/doorbell.js";
import { RingReader } from "../exchange/ring.js";
import { ElementKind } from "./element-kind.js";
import type { LocalReceiver } from "./local-channel.js";

/** The downstream half of a channel from another slot. */
export class RingInput {
  recordsIn = 0;
  bytesIn = 0;
  private readonly ring: RingReader;
  private readonly reader: RecordReader;
  private readonly receiver: LocalReceiver;
  private readonly input: number;
  private frameOpen = false;

  constructor(
    sab: SharedArrayBuffer,
    peer: Doorbell,
    receiver: LocalReceiver,
    input: number,
    gate: Gate,
    retained: boolean,
  ) {
    this.ring = new RingReader(sab, peer);
    this.receiver = receiver;
    this.input = input;
    this.reader = createRecordReader(receiver.entry, gate, retained);
  }

  /** Hands up to about `limit` records to the task while it can take them; answers how many elements. */
  drain(limit: number, blocked: () => boolean): number {
    let taken = 0;
    while (taken < limit && !blocked()) {
      if (this.frameOpen) {
        const given = this.reader.drain(limit - taken);
        this.recordsIn += given;
        taken += given;
        if (this.reader.remaining > 0) break;
        this.frameOpen = false;
        this.ring.release();
        continue;
      }
      if (!this.ring.peek()) break;
      this.take();
      taken++;
    }
    return taken;
  }

  get waitingBytes(): number {
    return this.ring.availableBytes;
  }

  private take(): void {
    const { kind, offset, length, memory } = this.ring;
    this.bytesIn += length;
    if (kind < 16) {
      this.reader.open(kind as FrameKind, memory, offset, length);
      this.frameOpen = true;
      return;
    }
    const watermark = kind === ElementKind.WATERMARK ? memory.bytes.readDoubleLE(offset) : 0;
    this.ring.release();
    if (kind === ElementKind.WATERMARK) this.receiver.onWatermark(this.input, watermark);
    else if (kind === ElementKind.END) this.receiver.onEnd(this.input);
    else this.receiver.onIdle(this.input, kind === ElementKind.IDLE);
  }
}
