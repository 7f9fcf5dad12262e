import type { JobGraph } from "./job-graph.js";
import type { Partitioner } from "./stream-graph.js";

/** Edges whose records in flight cannot be dealt out again at another parallelism. */
const FIXED: readonly Partitioner[] = ["forward", "rescale", "broadcast", "custom"];

/**
 * Whether barriers may overtake the records of a vertex's input edges. One edge that does not allow it makes
 * the vertex wait for its barriers on all of them (Flink's rule).
 */
export function mayOvertakeInto(graph: JobGraph, vertex: number): boolean {
  return graph.edges.every(({ to, partitioner }) => to !== vertex || !FIXED.includes(partitioner));
}
