/** The memory that a host's thread gets: V8's limits and that of Buffers, by what runs on it. */
import { HEAP_MB_MIN } from "../planner/hosts.js";
import type { HostMemory, HostPlan } from "../protocol/slot-host.js";

/** Buffers and typed arrays that Node, sockets and the engine itself hold, whatever a profile says. */
const FRAMEWORK_OFF_HEAP_MB = 64;
/** V8 aborts the whole process when one collection promotes much more than an exhausted heap holds. */
const YOUNG_SHARE = 1 / 4;

/** `byDefault`: of a host for a default slot, and the largest young generation of any. */
export function memoryOf({ profile, memoryMaxMb }: HostPlan, byDefault: HostMemory): HostMemory {
  if (profile === undefined) {
    const { heapMb, youngMb } = byDefault;
    if (memoryMaxMb === undefined || memoryMaxMb >= heapMb) return byDefault;
    const most = Math.max(HEAP_MB_MIN, Math.floor(memoryMaxMb));
    return { heapMb: most, youngMb: Math.min(youngMb, most * YOUNG_SHARE) };
  }
  const youngMb = Math.min(byDefault.youngMb, profile.heapMb * YOUNG_SHARE);
  return {
    // Managed memory is that of state, whose live objects are in the heap whatever backend keeps the others.
    heapMb: Math.max(HEAP_MB_MIN, profile.heapMb + profile.managedMb - youngMb),
    youngMb,
    offHeapMb: FRAMEWORK_OFF_HEAP_MB + profile.offHeapMb,
  };
}
