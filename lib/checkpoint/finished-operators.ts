/**
 * What a checkpoint says about operators that had processed all of their input, and whether a job fits it
 * (FLIP-147). Pure.
 *
 * Called by: redistribution.ts.
 */
import { MillraceError } from "../base/error.js";
import type { JobGraph, JobVertex } from "../graph/job-graph.js";
import type { Manifest, OperatorManifest } from "./snapshot.js";

/** How many subtasks of an operator had finished. */
export type FinishedShare = "all" | "some" | "none";

export function finishedShare(operator: OperatorManifest): FinishedShare {
  const count = operator.finished.filter(Boolean).length;
  if (count === 0) return "none";
  return count === operator.parallelism ? "all" : "some";
}

/**
 * By vertex, how much of it had finished. Throws FINISHED_OPERATORS_CHANGED when the job puts operators that
 * had finished together with others, or behind others that still have to send them something.
 */
export function finishedVertices(manifest: Manifest, graph: JobGraph): FinishedShare[] {
  const operators = new Map(manifest.operators.map((operator) => [operator.uid, operator]));
  const shares = graph.vertices.map((vertex) => shareOfVertex(vertex, operators));
  for (const edge of graph.edges) {
    const [before, share] = [shares[edge.from]!, shares[edge.to]!];
    const [upstream, vertex] = [graph.vertices[edge.from]!.name, graph.vertices[edge.to]!.name];
    if (before === "all" || share === "none") continue;
    const isPointwise = edge.partitioner === "forward" || edge.partitioner === "rescale";
    if (share === "all") throw changed(`"${vertex}" had finished, but "${upstream}" before it had not`);
    if (!isPointwise || before === "none") {
      throw changed(`a part of "${vertex}" had finished, but "${upstream}" still sends records to it`);
    }
  }
  return shares;
}

function shareOfVertex(
  { name, operators }: JobVertex,
  known: ReadonlyMap<string, OperatorManifest>,
): FinishedShare {
  let share: FinishedShare | undefined;
  for (const { uid, kind } of operators) {
    const old = known.get(uid);
    // The planner puts local combines in and leaves them out by itself: they are as the rest of their chain.
    if (old === undefined && kind === "combine") continue;
    const own = old === undefined ? "none" : finishedShare(old);
    share ??= own;
    if (own !== share) {
      throw changed(`"${name}" joins operators of which ${share} and ${own} of the subtasks had finished`);
    }
  }
  return share ?? "none";
}

function changed(message: string): MillraceError {
  return new MillraceError("FINISHED_OPERATORS_CHANGED", `the job does not fit the checkpoint: ${message}`);
}
