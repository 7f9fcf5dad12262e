import { getHeapStatistics } from "node:v8";
import { MillraceError } from "../base/error.js";
import { systemScheduler } from "../base/scheduler.js";
import type { SlotResources } from "../protocol/slot-host.js";

const CHECK_MS = 50;
/** The share of the heap limit at which a slot gives up while it can still say so. */
const HEAP_SHARE = 0.92;
/** Buffers may take this many times the heap limit: V8's own limit does not see them. */
const BUFFER_SHARE = 1;

/**
 * Watches a slot's heap and its Buffers, and fails early with a coded error: V8 may end the whole process
 * when a heap limit is hit, and does not limit Buffers at all.
 */
export class MemoryWatch {
  private readonly cancel: () => void;

  constructor(
    place: { readonly slot: number },
    resources: SlotResources,
    onExhausted: (error: MillraceError) => void,
  ) {
    const heapMax = resources.heapMb * 1024 * 1024 * HEAP_SHARE;
    const bufferMax = resources.heapMb * 1024 * 1024 * BUFFER_SHARE;
    this.cancel = systemScheduler.every(CHECK_MS, () => {
      const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
      if (heap > heapMax) {
        this.cancel();
        onExhausted(
          new MillraceError(
            "SLOT_HEAP_EXHAUSTED",
            `slot ${place.slot} uses ${mb(heap)} of ${resources.heapMb} MiB of heap`,
          ),
        );
      } else if (external > bufferMax) {
        this.cancel();
        onExhausted(
          new MillraceError(
            "SLOT_BUFFERS_EXHAUSTED",
            `slot ${place.slot} holds ${mb(external)} MiB in Buffers, its limit is ${resources.heapMb} MiB`,
          ),
        );
      }
    });
  }

  stop(): void {
    this.cancel();
  }
}

function mb(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
