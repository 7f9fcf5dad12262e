import { getHeapStatistics } from "node:v8";
import { MillraceError } from "../base/error.js";
import { systemScheduler } from "../base/scheduler.js";
import type { HostMemory } from "../protocol/slot-host.js";

const CHECK_MS = 50;
/** The share of the heap limit at which a slot gives up while it can still say so. */
const HEAP_SHARE = 0.92;

/**
 * Watches a host's heap and its Buffers, and fails early with a coded error: V8 may end the whole process
 * when a heap limit is hit, and does not limit Buffers at all.
 */
export class MemoryWatch {
  private readonly cancel: () => void;

  constructor(
    place: { readonly name: string },
    resources: HostMemory,
    onExhausted: (error: MillraceError) => void,
  ) {
    const heapMax = resources.heapMb * 1024 * 1024 * HEAP_SHARE;
    // V8's own limit does not see Buffers.
    const bufferMaxMb = resources.offHeapMb ?? resources.heapMb;
    const bufferMax = bufferMaxMb * 1024 * 1024;
    this.cancel = systemScheduler.every(CHECK_MS, () => {
      const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
      if (heap > heapMax) {
        this.cancel();
        onExhausted(
          new MillraceError(
            "SLOT_HEAP_EXHAUSTED",
            `${place.name} uses ${mb(heap)} of ${resources.heapMb} MiB of heap`,
          ),
        );
      } else if (external > bufferMax) {
        this.cancel();
        onExhausted(
          new MillraceError(
            "SLOT_BUFFERS_EXHAUSTED",
            `${place.name} holds ${mb(external)} MiB in Buffers, its limit is ${bufferMaxMb} MiB`,
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
