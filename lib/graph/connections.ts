import type { Partitioner } from "./stream-graph.js";

/** Which subtasks an edge connects. */
export interface Connections {
  /** Downstream subtasks of an upstream one. */
  from(upstream: number): number[];
  /** Upstream subtasks of a downstream one. */
  to(downstream: number): number[];
}

/** Forward and rescale are pointwise (Flink's ranges); everything else connects all to all. */
export function connections(partitioner: Partitioner, upstream: number, downstream: number): Connections {
  const all = (count: number) => Array.from({ length: count }, (_, i) => i);
  if (partitioner !== "forward" && partitioner !== "rescale") {
    return { from: () => all(downstream), to: () => all(upstream) };
  }
  const to = (target: number): number[] => {
    if (upstream <= downstream) return [Math.floor((target * upstream) / downstream)];
    const start = Math.ceil((target * upstream) / downstream);
    const end = Math.ceil(((target + 1) * upstream) / downstream);
    return all(end - start).map((i) => start + i);
  };
  return { to, from: (source) => all(downstream).filter((target) => to(target).includes(source)) };
}
