/**
 * Who takes part in a checkpoint when some tasks may have finished already (FLIP-147). Pure.
 *
 * Called by: coordinator. May import: graph.
 */
import { connections } from "../graph/connections.js";
import type { JobGraph } from "../graph/job-graph.js";
import type { TaskSnapshot } from "./snapshot.js";

/** A subtask of the job, by its vertex. */
export interface TaskId {
  readonly vertex: number;
  readonly subtask: number;
}

/** other: not running yet, or failing, or being cancelled. */
export type TaskStatus = "running" | "finished" | "other";

export interface CheckpointPlan {
  /** Told by the coordinator; all others are reached by barriers. */
  readonly trigger: readonly TaskId[];
  /** Must acknowledge, and are told when the checkpoint is complete: all that run. */
  readonly waitFor: readonly TaskId[];
  /** Had finished before. */
  readonly finished: readonly TaskId[];
}

/**
 * The plan for now, or the first task that stands in its way. Triggered are running tasks that no running
 * task sends to: without finished tasks these are the sources.
 */
export function planCheckpoint(
  graph: JobGraph,
  statusOf: (vertex: number, subtask: number) => TaskStatus,
): CheckpointPlan | { readonly notRunning: TaskId } {
  const trigger: TaskId[] = [];
  const waitFor: TaskId[] = [];
  const finished: TaskId[] = [];
  for (const { id: vertex, parallelism } of graph.vertices) {
    const inputs = graph.edges
      .filter((edge) => edge.to === vertex)
      .map(({ from, partitioner }) => {
        const upstream = graph.vertices[from]!.parallelism;
        return { from, connected: connections(partitioner, upstream, parallelism) };
      });
    // Where all are connected to all, the answer is the same for every subtask.
    const running = inputs.map(({ from }) => runningOf(graph.vertices[from]!.parallelism, from, statusOf));
    for (let subtask = 0; subtask < parallelism; subtask++) {
      const status = statusOf(vertex, subtask);
      if (status === "other") return { notRunning: { vertex, subtask } };
      if (status === "finished") {
        finished.push({ vertex, subtask });
        continue;
      }
      waitFor.push({ vertex, subtask });
      const isReached = inputs.some(
        ({ connected }, i) =>
          running[i]!.size > 0 && connected.to(subtask).some((from) => running[i]!.has(from)),
      );
      if (!isReached) trigger.push({ vertex, subtask });
    }
  }
  return { trigger, waitFor, finished };
}

function runningOf(
  parallelism: number,
  vertex: number,
  statusOf: (vertex: number, subtask: number) => TaskStatus,
): Set<number> {
  const running = new Set<number>();
  for (let subtask = 0; subtask < parallelism; subtask++) {
    if (statusOf(vertex, subtask) !== "finished") running.add(subtask);
  }
  return running;
}

/**
 * The uid of an operator with union state of whose subtasks some, but not all, have processed all of their
 * input: what those held would be missing from the union, so the checkpoint must be aborted.
 */
export function partlyFinishedUnion(
  graph: JobGraph,
  plan: CheckpointPlan,
  snapshots: readonly TaskSnapshot[],
): string | undefined {
  for (const { id: vertex, parallelism } of graph.vertices) {
    const own = snapshots.filter((snapshot) => snapshot.vertex === vertex);
    const finished =
      plan.finished.filter((task) => task.vertex === vertex).length +
      own.filter((snapshot) => snapshot.finished).length;
    if (finished === 0 || finished === parallelism) continue;
    for (const { operators } of own) {
      const union = operators.find(({ parts }) => parts.some(({ scope }) => scope === "union"));
      if (union !== undefined) return union.uid;
    }
  }
  return undefined;
}
