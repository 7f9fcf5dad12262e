import type { SlotControl, SlotEvents } from "./deployment.js";

/** Memory of one slot's thread. */
export interface SlotResources {
  /** Old generation, MiB. */
  readonly heapMb: number;
  /** Young generation, MiB: large for throughput, small for short pauses. */
  readonly youngMb: number;
}

/** A running place for one slot: a worker thread, or the main thread itself. */
export interface SlotHost {
  readonly control: SlotControl;
  /** Rejects with a coded error when the thread ends before it was asked to. */
  readonly failed: Promise<never>;
  /** Ends the thread at once, whatever it is doing. */
  kill(): Promise<void>;
  /** Lets the thread end after `control.close()` or `control.stop()`. */
  release(): Promise<void>;
}

/** Starts a host for a slot. */
export type LaunchHost = (slot: number, events: SlotEvents) => Promise<SlotHost>;
