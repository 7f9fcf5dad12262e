// @hot one array write per element; guarded by benchmarks/nexmark
/**
 * Elements of a channel in order, as objects: what a receiver in the same slot has not taken yet, what a
 * sender without credit holds back, what was taken out of a ring ahead of time.
 */
import type { Barrier } from "../checkpoint/barrier.js";
import type { LatencyMarker } from "./latency-marker.js";

export const Queued = {
  RECORD: 0,
  WATERMARK: 1,
  IDLE: 2,
  BARRIER: 3,
  END_OF_DATA: 4,
  END: 5,
  LATENCY: 6,
} as const;

/** Elements taken before the arrays that still hold their places are cut. */
const COMPACT_MIN = 4096;

export class ElementQueue {
  private kinds: number[] = [];
  private values: unknown[] = [];
  private stamps: number[] = [];
  private keyGroups: number[] = [];
  private head = 0;
  /** Elements that were ever queued before the first one that is still there. */
  private taken = 0;

  get length(): number {
    return this.kinds.length - this.head;
  }

  /** Elements ever queued: where the next one will be. */
  get end(): number {
    return this.taken + this.kinds.length;
  }

  /** Elements ever taken: where the first one is. */
  get begin(): number {
    return this.taken + this.head;
  }

  record(record: unknown, timestamp: number, keyGroup: number): void {
    this.kinds.push(Queued.RECORD);
    this.values.push(record);
    this.stamps.push(timestamp);
    this.keyGroups.push(keyGroup);
  }

  watermark(watermark: number): void {
    this.push(Queued.WATERMARK, undefined, watermark);
  }

  idle(idle: boolean): void {
    this.push(Queued.IDLE, undefined, idle ? 1 : 0);
  }

  latency(marker: LatencyMarker): void {
    this.push(Queued.LATENCY, marker, 0);
  }

  barrier(barrier: Barrier): void {
    this.push(Queued.BARRIER, barrier, 0);
  }

  endOfData(): void {
    this.push(Queued.END_OF_DATA, undefined, 0);
  }

  ending(): void {
    this.push(Queued.END, undefined, 0);
  }

  /** Kind of the first element. */
  get kind(): number {
    return this.kinds[this.head]!;
  }

  get value(): unknown {
    return this.values[this.head];
  }

  /** Timestamp of a record, time of a watermark, 1 for idle. */
  get stamp(): number {
    return this.stamps[this.head]!;
  }

  get keyGroup(): number {
    return this.keyGroups[this.head]!;
  }

  /** Takes the first element away. */
  shift(): void {
    this.values[this.head++] = undefined;
    if (this.head === this.kinds.length) this.forget([], [], [], []);
    else if (this.head >= COMPACT_MIN && this.head * 2 >= this.kinds.length) this.compact();
  }

  /** Calls back for the records before a place (see `end`), first to last. */
  records(before: number, take: (record: unknown, timestamp: number, keyGroup: number) => void): void {
    const last = Math.min(this.kinds.length, before - this.taken);
    for (let i = this.head; i < last; i++) {
      if (this.kinds[i] === Queued.RECORD) take(this.values[i], this.stamps[i]!, this.keyGroups[i]!);
    }
  }

  private compact(): void {
    const { kinds, values, stamps, keyGroups, head } = this;
    this.forget(kinds.slice(head), values.slice(head), stamps.slice(head), keyGroups.slice(head));
  }

  private forget(kinds: number[], values: unknown[], stamps: number[], keyGroups: number[]): void {
    this.taken += this.head;
    this.head = 0;
    this.kinds = kinds;
    this.values = values;
    this.stamps = stamps;
    this.keyGroups = keyGroups;
  }

  private push(kind: number, value: unknown, stamp: number): void {
    this.kinds.push(kind);
    this.values.push(value);
    this.stamps.push(stamp);
    this.keyGroups.push(0);
  }
}
