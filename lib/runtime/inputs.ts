/**
 * The downstream half of a channel, as the task sees it. Two kinds: LocalChannel (same slot) and RingInput
 * (another slot).
 *
 * A barrier comes in band, behind the records it covers, or as a *mark* that is seen before them. `look`
 * finds marks; records in front of a mark are in flight: `captureToMark` copies them into a checkpoint.
 */
import type { Barrier } from "../checkpoint/barrier.js";
import type { LatencyMarker } from "./latency-marker.js";

export type TakeRecord = (record: unknown, timestamp: number, keyGroup: number) => void;

export interface Input {
  /** Its barrier has come and the others' have not: nothing is taken. Written by the task. */
  held: boolean;
  /** Hands up to `limit` elements to the task while it can take them; answers how many. */
  drain(limit: number, blocked: () => boolean): number;
  /** Tells the task of a mark that was not told yet. */
  look(): void;
  /** The announced barrier counts as having come; when it comes in band it is dropped. */
  overtaken(barrier: Barrier): void;
  /** From now on records are copied as they are taken. */
  startCapture(take: TakeRecord): void;
  /** Copies what is queued, in front of the mark if there is one, and ends copying. */
  captureToMark(take: TakeRecord): void;
  stopCapture(): void;
  /** Puts a restored record in front of everything else. */
  restore(record: unknown, timestamp: number, keyGroup: number): void;
  readonly recordsIn: number;
  readonly bytesIn: number;
}

/** What the receiving task offers its channels. */
export interface Receiver {
  readonly entry: TakeRecord;
  onWatermark(input: number, watermark: number): void;
  onIdle(input: number, idle: boolean): void;
  onLatency(marker: LatencyMarker): void;
  onBarrier(input: number, barrier: Barrier): void;
  /** An aligned barrier is on its way behind what waits in the channel. */
  onAnnouncement(input: number, barrier: Barrier): void;
  onEndOfData(input: number): void;
  onEnd(input: number): void;
  /** There is something queued. */
  wake(): void;
}
