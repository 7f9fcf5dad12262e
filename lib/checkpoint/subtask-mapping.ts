import type { Partitioner } from "../graph/stream-graph.js";
import { rangeOf } from "../state/key.js";

/**
 * The old receivers of an edge whose records in flight a new receiver takes over (Flink's SubtaskStateMapper);
 * undefined for edges whose records cannot be dealt out: a broadcast would double or lose them, and a custom
 * partitioner may choose by the number of channels.
 *
 * A hash edge gives every new receiver all old ones whose key groups overlap its own; of their records it
 * takes those of its groups. All others give each old receiver to exactly one new one.
 */
export function oldReceivers(
  partitioner: Partitioner,
  subtask: number,
  parallelism: number,
  oldParallelism: number,
  maxParallelism: number,
): number[] | undefined {
  const old = Array.from({ length: oldParallelism }, (_, i) => i);
  switch (partitioner) {
    case "broadcast":
    case "custom":
      return undefined;
    case "global":
      return subtask === 0 ? old : [];
    case "hash":
      return overlapping(subtask, parallelism, oldParallelism, maxParallelism);
    default:
      return old.filter((each) => each % parallelism === subtask);
  }
}

/** The old subtasks whose key groups overlap those of a new one. */
export function overlapping(
  subtask: number,
  parallelism: number,
  oldParallelism: number,
  maxParallelism: number,
): number[] {
  const own = rangeOf(subtask, maxParallelism, parallelism);
  return Array.from({ length: oldParallelism }, (_, i) => i).filter((each) => {
    const range = rangeOf(each, maxParallelism, oldParallelism);
    return range.first <= own.last && range.last >= own.first;
  });
}
