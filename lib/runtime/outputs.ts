/**
 * The upstream half of a channel, as the chain and the task see it.
 *
 * Called by: fused chains (write), tasks (everything else). Two kinds: LocalChannel (same slot) and
 * RingChannel (another slot). Both keep the order of everything that is given in band.
 */
import type { Barrier } from "../checkpoint/barrier.js";
import type { TakeRecord } from "./inputs.js";
import type { LatencyMarker } from "./latency-marker.js";

export interface Output {
  /** 0: takes records; 1: finish the record in hand; 2: suspend inside the record in hand. */
  readonly level: 0 | 1 | 2;
  /** Tries to pass on what waits. True when something moved. */
  pump(): boolean;
  watermark(watermark: number): void;
  idle(idle: boolean): void;
  latency(marker: LatencyMarker): void;
  /** In band, behind everything given so far. */
  barrier(barrier: Barrier): void;
  /** Whether `overtake` can be called now: no record is partly on its way. */
  readyToOvertake(): boolean;
  /** In front of everything the receiver has not taken; what this side still holds is copied. */
  overtake(barrier: Barrier, take: TakeRecord): void;
  /** No more records will come. */
  endOfData(): void;
  /** Nothing more will come. */
  end(): void;
  /** The turn ends: passes on a batch that should not wait any longer. `steady` in ms. */
  rest(steady: number): void;
  /** Everything given was taken by the ring or the receiver. */
  readonly drained: boolean;
  /** Bytes that wait on this side. */
  readonly waitingBytes: number;
  /** Bytes that may be in flight. */
  readonly creditBytes: number;
  readonly recordsOut: number;
  readonly bytesOut: number;
}

/** What a channel asks of the task that owns its upstream half. */
export interface OutputOwner {
  /** An output cannot take more: closes the gate at least to this level. */
  raise(level: 1 | 2): void;
}
