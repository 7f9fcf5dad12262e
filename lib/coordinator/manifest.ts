import type { CheckpointPlan } from "../checkpoint/checkpoint-plan.js";
import type { EdgeManifest, Manifest, OperatorManifest, TaskSnapshot } from "../checkpoint/snapshot.js";
import { connections } from "../graph/connections.js";
import type { JobGraph } from "../graph/job-graph.js";

/** Everything that was gathered for a checkpoint. */
export interface GatheredCheckpoint {
  readonly id: number;
  readonly purpose: Manifest["purpose"];
  readonly timestamp: number;
  readonly attempt: number;
  readonly plan: CheckpointPlan;
  readonly snapshots: readonly TaskSnapshot[];
  readonly enumerators: ReadonlyMap<string, unknown>;
}

/** Puts the snapshots of tasks together by operator and edge. */
export function manifestOf(graph: JobGraph, jobId: string, gathered: GatheredCheckpoint): Manifest {
  const { id, purpose, timestamp, attempt, snapshots, enumerators } = gathered;
  const finishedOf = finishedTasks(graph, snapshots);
  const operators = graph.vertices.flatMap((vertex) => {
    const own = Array.from({ length: vertex.parallelism }, (_, subtask) =>
      snapshots.find((each) => each.vertex === vertex.id && each.subtask === subtask),
    );
    const finished = finishedOf[vertex.id]!;
    return vertex.operators.map(
      ({ uid, name }): OperatorManifest => ({
        uid,
        name,
        parallelism: vertex.parallelism,
        maxParallelism: vertex.maxParallelism,
        subtasks: own.map((snapshot) => snapshot?.operators.find((operator) => operator.uid === uid)),
        finished,
        ...(enumerators.has(uid) ? { enumerator: enumerators.get(uid) } : {}),
      }),
    );
  });
  const edges = graph.edges.map((edge): EdgeManifest => {
    const { from, fromOperator, to, partitioner } = edge;
    return {
      from: graph.vertices[from]!.operators[fromOperator]!.uid,
      to: graph.vertices[to]!.operators[0]!.uid,
      partitioner,
      channels: snapshots.flatMap(({ channels }) => channels.filter((channel) => channel.edge === edge.id)),
    };
  });
  return { job: graph.job, jobId, checkpoint: id, purpose, timestamp, attempt, operators, edges };
}

/**
 * By vertex and subtask. At least once a task may have ended its data since the first of its barriers came, with
 * records that come again when the checkpoint is restored: it has finished only if all have that it reads from.
 */
function finishedTasks(graph: JobGraph, snapshots: readonly TaskSnapshot[]): boolean[][] {
  const finished: boolean[][] = [];
  for (const { id, parallelism } of graph.vertices) {
    const inputs = graph.edges.filter(({ to }) => to === id);
    finished[id] = Array.from({ length: parallelism }, (_, subtask) => {
      const snapshot = snapshots.find((each) => each.vertex === id && each.subtask === subtask);
      // A subtask that gave no snapshot had finished before the checkpoint.
      if (snapshot === undefined || !snapshot.finished) return snapshot === undefined;
      return inputs.every(({ from, partitioner }) => {
        const { parallelism: upstream } = graph.vertices[from]!;
        return connections(partitioner, upstream, parallelism)
          .to(subtask)
          .every((sender) => finished[from]![sender]);
      });
    });
  }
  return finished;
}
