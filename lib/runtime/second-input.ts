import type { Barrier } from "../checkpoint/barrier.js";
import type { Entry } from "./chain-code.js";
import type { Receiver } from "./inputs.js";
import type { LatencyMarker } from "./latency-marker.js";

/** A task as the channels of its second input see it: records enter elsewhere, all else is the task's. */
export class SecondInput implements Receiver {
  readonly entry: Entry;
  private readonly task: Receiver;

  constructor(task: Receiver, entry: Entry) {
    this.task = task;
    this.entry = entry;
  }

  onWatermark(input: number, watermark: number): void {
    this.task.onWatermark(input, watermark);
  }

  onIdle(input: number, idle: boolean): void {
    this.task.onIdle(input, idle);
  }

  onLatency(marker: LatencyMarker): void {
    this.task.onLatency(marker);
  }

  onBarrier(input: number, barrier: Barrier): void {
    this.task.onBarrier(input, barrier);
  }

  onAnnouncement(input: number, barrier: Barrier): void {
    this.task.onAnnouncement(input, barrier);
  }

  onEndOfData(input: number): void {
    this.task.onEndOfData(input);
  }

  onEnd(input: number): void {
    this.task.onEnd(input);
  }

  wake(): void {
    this.task.wake();
  }
}
