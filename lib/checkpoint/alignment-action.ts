import type { Barrier } from "./barrier.js";

/**
 * Why a task gives up a checkpoint that it had begun or heard of. subsumed: a later one took its place;
 * cancelled: an upstream task or the coordinator gave it up.
 */
export type AbortReason = "subsumed" | "cancelled";

/**
 * What a task has to do for a checkpoint, decided by `Alignment`. Plain data, carried out in the order given;
 * events that an action causes (the barrier of a prioritised channel) are told only after the last action.
 */
export type AlignmentAction =
  /** Read nothing more from the channel until it is unblocked. */
  | { readonly do: "block"; readonly channel: number }
  | { readonly do: "unblock"; readonly channel: number }
  /**
   * Take the snapshot now, between two elements, and send `barrier` on: its `alignment` says whether it
   * overtakes the records waiting in the outputs. `unaligned`: records in flight in the inputs belong to the
   * snapshot, so it is complete only with `aligned`.
   */
  | { readonly do: "snapshot"; readonly barrier: Barrier; readonly unaligned: boolean }
  /**
   * Keep a copy of what is in flight in each of these channels: records queued and not yet processed, and
   * those that still come, up to the place where the channel's barrier was put in. They are processed as
   * usual. A channel whose barrier has come by overtaking is among them: what it overtook is kept.
   */
  | { readonly do: "capture"; readonly channels: readonly number[] }
  /** The channel's barrier has come (or its end): nothing behind the barrier's place is kept. */
  | { readonly do: "stopCapture"; readonly channel: number }
  /** The last barrier has come: what was captured is all there is. The task may acknowledge. */
  | {
      readonly do: "aligned";
      readonly barrier: Barrier;
      /** From the trigger at the coordinator to the first barrier here, ms. */
      readonly startDelayMs: number;
      /** From the first barrier to the last, ms. */
      readonly alignmentMs: number;
    }
  /**
   * Forget the checkpoint: drop its snapshot and everything captured (every capture ends), send a cancel
   * marker on, and decline it at the coordinator.
   */
  | { readonly do: "abort"; readonly id: number; readonly reason: AbortReason }
  /** Call `onTimeout` when the clock says `at` (ms, the time of `now`). There is one timer. */
  | { readonly do: "timer"; readonly at: number }
  | { readonly do: "cancelTimer" }
  /**
   * The barrier announced in this channel overtakes the records before it: give it to `onBarrier` at once,
   * with its place remembered for the capture.
   */
  | { readonly do: "prioritise"; readonly channel: number; readonly barrier: Barrier };

/** How long a checkpoint took to reach a task and to come through all of its channels. */
export function alignmentTimes(
  barrier: Barrier,
  firstAt: number,
  now: number,
): { startDelayMs: number; alignmentMs: number } {
  return {
    startDelayMs: Math.max(0, firstAt - barrier.timestamp),
    alignmentMs: Math.max(0, now - firstAt),
  };
}
