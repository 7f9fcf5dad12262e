import type { ResourceProfile } from "../graph/resource-profile.js";
import type { SlotControl, SlotEvents } from "./deployment.js";

/** What runs on one host (see planner/hosts.ts). */
export interface HostPlan {
  /** In ascending order. */
  readonly slots: readonly number[];
  /** What its slots take together; absent: it runs a default slot. */
  readonly profile?: ResourceProfile;
  /** Only slots of this group. */
  readonly exclusive?: string;
  /** Of a default slot beside profiles: its heap is at most this, MiB. */
  readonly memoryMaxMb?: number;
}

/** Memory of a host's thread. */
export interface HostMemory {
  /** Old generation, MiB. */
  readonly heapMb: number;
  /** Young generation, MiB: large for throughput, small for short pauses. */
  readonly youngMb: number;
  /** Buffers and typed arrays, MiB; default: as much as `heapMb`. */
  readonly offHeapMb?: number;
}

/** A running place for one slot: in a worker thread, or the main thread itself. Slots of one host may share it. */
export interface SlotHost {
  readonly control: SlotControl;
  /** Rejects with a coded error when the thread ends before it was asked to, or because another slot in it is ended. */
  readonly failed: Promise<never>;
  /** Ends the thread at once, whatever it is doing, with every slot in it. */
  kill(): Promise<void>;
  /** Lets the thread end after `control.close()` or `control.stop()`, when the other slots in it have ended, too. */
  release(): Promise<void>;
}

/** Starts a slot in its host: slots with the same `host` object are given the same thread. */
export type LaunchHost = (slot: number, events: SlotEvents, host: HostPlan) => Promise<SlotHost>;
