/** Small job graphs and snapshots for tests. */
import type { JobGraph } from "../../lib/graph/job-graph.js";
import type { Partitioner } from "../../lib/graph/stream-graph.js";

export interface VertexShape {
  /** Of the chain, from its head. */
  readonly uids: readonly string[];
  readonly parallelism: number;
  readonly maxParallelism?: number;
}

/** Edges: upstream vertex, downstream vertex, partitioner; they start at the end of the upstream chain. */
export function jobGraph(
  vertices: readonly VertexShape[],
  edges: readonly (readonly [number, number, Partitioner])[] = [],
): JobGraph {
  return {
    job: "test",
    vertices: vertices.map(({ uids, parallelism, maxParallelism = 128 }, id) => ({
      id,
      name: uids.join(" -> "),
      operators: uids.map((uid, index) => ({
        uid,
        name: `name of ${uid}`,
        kind: "map",
        config: {},
        slotSharingGroup: "default",
        chaining: "always" as const,
        feeder: index - 1,
      })),
      parallelism,
      maxParallelism,
      slotSharingGroup: "default",
    })),
    edges: edges.map(([from, to, partitioner], id) => ({
      id,
      from,
      fromOperator: vertices[from]!.uids.length - 1,
      to,
      partitioner,
    })),
  };
}
