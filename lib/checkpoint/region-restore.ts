/**
 * What the subtasks of a region load when it alone goes on from a checkpoint of the same attempt, so of the same
 * plan: each what it had itself. Redistribution deals out what subtasks had that have finished since; here the
 * others run, so nothing moves. Pure.
 *
 * Called by: coordinator.
 */
import type { JobGraph } from "../graph/job-graph.js";
import { shareChannels } from "./channel-shares.js";
import type { TaskId } from "./checkpoint-plan.js";
import { keepOperator } from "./part-shares.js";
import type { Manifest } from "./snapshot.js";
import type { OperatorRestore, TaskRestore } from "./task-restore.js";

/** Undefined where the region has union state: that would need what the other regions have by now. */
export function restoreRegion(
  manifest: Manifest,
  graph: JobGraph,
  tasks: readonly TaskId[],
): TaskRestore[] | undefined {
  const known = new Map(manifest.operators.map((operator) => [operator.uid, operator]));
  const channels = shareChannels(manifest, graph);
  const restores: TaskRestore[] = [];
  for (const { vertex, subtask } of tasks) {
    const operators: OperatorRestore[] = [];
    let finished = true;
    for (const { uid } of graph.vertices[vertex]!.operators) {
      const old = known.get(uid)!;
      if (old.subtasks.some((each) => each?.parts.some(({ scope }) => scope === "union"))) return undefined;
      finished &&= old.finished[subtask]!;
      operators.push(keepOperator(old, subtask));
    }
    restores.push({
      vertex,
      subtask,
      finished,
      operators: finished ? [] : operators.filter(({ parts, splits }) => parts.length + splits.length > 0),
      channels: finished ? [] : channels[vertex]![subtask]!,
    });
  }
  return restores;
}
