/**
 * One channel under test with its sender and its receiver, against a model: what was sent, in order, and for the
 * barrier under way how much had been sent in front of it.
 */
import { expect } from "chai";
import type { Barrier } from "../../lib/checkpoint/barrier.js";
import type { Input, Receiver } from "../../lib/runtime/inputs.js";
import type { LatencyMarker } from "../../lib/runtime/latency-marker.js";
import type { Output } from "../../lib/runtime/outputs.js";

/** The two halves of a channel, and what a sender's chain and a receiving task do with them. */
export interface TestChannel {
  readonly output: Output;
  readonly input: Input;
  send(record: unknown, timestamp: number, keyGroup: number): void;
  setCredit?(bytes: number): void;
  /** The receiver may be called directly again / may not. */
  open?(): void;
  close?(): void;
}

export type BarrierKind = "aligned" | "timeout" | "unaligned" | "in band";

export type Step =
  | { readonly send: number }
  | {
      readonly do:
        | "watermark"
        | "idle"
        | "latency"
        | "pump"
        | "rest"
        | "look"
        | "capture"
        | "prioritise"
        | "open";
    }
  | { readonly drain: number }
  | { readonly credit: number }
  | { readonly gate: number }
  | { readonly barrier: BarrierKind };

interface TestRecord {
  readonly id: number;
}

interface UnderWay {
  readonly barrier: Barrier;
  /** Records sent in front of it. */
  readonly sentBefore: number;
  /** Held by the sender when the barrier overtook them. */
  readonly heldBySender: number[];
  readonly captured: number[];
  /** Records received when the receiver's snapshot was taken. */
  snapshotAt: number | undefined;
  announced: boolean;
}

export class ChannelRun implements Receiver {
  readonly gate = { level: 0 };
  /** Barriers that came through, by kind: a run in which none did has tested little. */
  readonly came: BarrierKind[] = [];
  readonly channel: TestChannel;
  private readonly recordOf: (id: number, size: number) => TestRecord;
  private readonly sent: string[] = [];
  private readonly got: string[] = [];
  private sentRecords = 0;
  private gotRecords = 0;
  private barriers = 0;
  private kind: BarrierKind = "aligned";
  private underWay: UnderWay | undefined;
  private steady = 0;
  private closeGateAfter = Number.POSITIVE_INFINITY;

  constructor(
    make: (run: ChannelRun) => TestChannel,
    recordOf: (id: number, size: number) => TestRecord = (id) => ({ id }),
  ) {
    this.channel = make(this);
    this.recordOf = recordOf;
  }

  step(step: Step): void {
    const { channel } = this;
    if ("send" in step) this.send(step.send);
    else if ("drain" in step) channel.input.drain(step.drain, () => this.gate.level !== 0);
    else if ("credit" in step) channel.setCredit?.(step.credit);
    else if ("gate" in step) this.closeGateAfter = step.gate;
    else if ("barrier" in step) this.sendBarrier(step.barrier);
    else this[step.do]();
  }

  /** Everything on its way arrives, then the end. */
  finish(): void {
    const { channel } = this;
    this.open();
    this.settle();
    channel.output.endOfData();
    channel.output.end();
    this.sent.push("end of data", "end");
    this.settle();
    expect(this.got).to.deep.equal(this.sent);
    expect(channel.output.drained).to.equal(true);
    expect(this.underWay, "a barrier did not come").to.equal(undefined);
  }

  readonly entry = (record: unknown, timestamp: number, keyGroup: number): void => {
    const { id } = record as TestRecord;
    expect([timestamp, keyGroup]).to.deep.equal([id * 10, id % 128]);
    this.gotRecords++;
    this.got.push(`record ${id}`);
    if (--this.closeGateAfter > 0) return;
    this.gate.level = 1;
    this.channel.close?.();
  };

  onWatermark(_input: number, watermark: number): void {
    this.got.push(`watermark ${watermark}`);
  }

  onIdle(_input: number, idle: boolean): void {
    this.got.push(idle ? "idle" : "active");
  }

  onLatency({ source, at }: LatencyMarker): void {
    this.got.push(`marker ${source} ${at}`);
  }

  onEndOfData(): void {
    this.got.push("end of data");
  }

  onEnd(): void {
    this.got.push("end");
  }

  wake(): void {}

  onAnnouncement(_input: number, barrier: Barrier): void {
    const { underWay } = this;
    if (underWay?.barrier.id !== barrier.id) return;
    expect(barrier.alignedTimeoutMs).to.be.greaterThan(0);
    underWay.announced = true;
  }

  onBarrier(_input: number, barrier: Barrier): void {
    const { underWay, channel } = this;
    // One that was given up for a later one.
    if (underWay?.barrier.id !== barrier.id) return;
    this.underWay = undefined;
    this.came.push(this.kind);
    const { sentBefore, captured } = underWay;
    if (this.kind === "unaligned") this.captureToMark(underWay);
    else {
      expect(this.gotRecords, "a barrier in band stands behind its records").to.equal(sentBefore);
      if (underWay.snapshotAt === undefined) return;
      channel.input.stopCapture();
      expect(captured).to.deep.equal(range(underWay.snapshotAt, sentBefore));
    }
  }

  private captureToMark(underWay: UnderWay): void {
    const { captured, heldBySender, sentBefore } = underWay;
    const from = underWay.snapshotAt ?? this.gotRecords;
    this.channel.input.captureToMark(takeInto(captured));
    expect([...captured, ...heldBySender], "what was in flight").to.deep.equal(range(from, sentBefore));
  }

  private send(size: number): void {
    const id = ++this.sentRecords;
    this.sent.push(`record ${id}`);
    this.channel.send(this.recordOf(id, size), id * 10, id % 128);
  }

  private watermark(): void {
    const watermark = this.sentRecords * 10 - 1;
    this.sent.push(`watermark ${watermark}`);
    this.channel.output.watermark(watermark);
  }

  private idle(): void {
    const idle = this.sentRecords % 2 === 0;
    this.sent.push(idle ? "idle" : "active");
    this.channel.output.idle(idle);
  }

  private latency(): void {
    const marker = { source: this.sentRecords, at: 1.7e12 + this.sent.length };
    this.sent.push(`marker ${marker.source} ${marker.at}`);
    this.channel.output.latency(marker);
  }

  private pump(): void {
    this.channel.output.pump();
  }

  private rest(): void {
    this.steady += 60;
    this.channel.output.rest(this.steady);
  }

  private look(): void {
    this.channel.input.look();
  }

  private open(): void {
    this.gate.level = 0;
    this.closeGateAfter = Number.POSITIVE_INFINITY;
    this.channel.open?.();
  }

  /** The snapshot is taken before the barrier has come through here. */
  private capture(): void {
    const { underWay } = this;
    if (underWay === undefined || underWay.snapshotAt !== undefined) return;
    underWay.snapshotAt = this.gotRecords;
    this.channel.input.startCapture(takeInto(underWay.captured));
  }

  /** The announced barrier has waited for too long: it counts as having come. */
  private prioritise(): void {
    const { underWay } = this;
    if (underWay === undefined || !underWay.announced) return;
    this.underWay = undefined;
    this.came.push("timeout");
    this.channel.input.overtaken(underWay.barrier);
    this.captureToMark(underWay);
  }

  private sendBarrier(kind: BarrierKind): void {
    const { output, input } = this.channel;
    if (kind === "unaligned" && !output.readyToOvertake()) return;
    // The one before is given up, wherever it is.
    if (this.underWay?.snapshotAt !== undefined) input.stopCapture();
    this.kind = kind;
    const barrier: Barrier = {
      id: ++this.barriers,
      timestamp: 0,
      purpose: "checkpoint",
      alignment: kind === "unaligned" || kind === "in band" ? "unaligned" : "aligned",
      alignedTimeoutMs: kind === "timeout" || kind === "in band" ? 5 : 0,
      completed: 0,
    };
    const heldBySender: number[] = [];
    this.underWay = {
      barrier,
      sentBefore: this.sentRecords,
      heldBySender,
      captured: [],
      snapshotAt: undefined,
      announced: false,
    };
    if (kind === "unaligned") output.overtake(barrier, takeInto(heldBySender));
    else output.barrier(barrier);
  }

  private settle(): void {
    const { output, input } = this.channel;
    for (let quiet = 0; quiet < 3; ) {
      const before = this.got.length;
      this.steady += 1000;
      output.pump();
      output.rest(this.steady);
      input.look();
      const taken = input.drain(1000, () => false);
      quiet = taken > 0 || this.got.length > before ? 0 : quiet + 1;
    }
  }
}

function takeInto(ids: number[]): (record: unknown) => void {
  return (record) => ids.push((record as TestRecord).id);
}

/** The ids behind `from`, up to `to`. */
function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + 1 + i);
}
