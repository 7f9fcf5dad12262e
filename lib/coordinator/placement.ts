/**
 * Placement: which slot runs which subtask, and the shared memory between slots. Pure.
 *
 * A slot sharing group has as many slots as its widest vertex; slot s of the group runs subtask s of every
 * vertex of the group (Flink's slot sharing).
 */
import { RING_BYTES } from "../base/limits.js";
import { createDoorbell } from "../exchange/doorbell.js";
import { createRing } from "../exchange/ring.js";
import { connections } from "../graph/connections.js";
import type { JobGraph } from "../graph/job-graph.js";
import { createRoundTimes } from "../metrics/round-times.js";
import { createTaskMetrics } from "../metrics/task-metrics.js";
import type { RingAssignment, TaskAssignment } from "../protocol/deployment.js";

export interface Placement {
  readonly slots: number;
  readonly slotOf: readonly (readonly number[])[];
  readonly tasks: readonly TaskAssignment[];
  readonly rings: readonly RingAssignment[];
  readonly doorbells: readonly SharedArrayBuffer[];
  readonly progress: SharedArrayBuffer;
  readonly metrics: SharedArrayBuffer;
  readonly roundTimes: SharedArrayBuffer;
}

export function place(graph: JobGraph, ringBytes: number = RING_BYTES): Placement {
  const firstSlot = new Map<string, number>();
  let slots = 0;
  for (const { slotSharingGroup: group } of graph.vertices) {
    if (firstSlot.has(group)) continue;
    firstSlot.set(group, slots);
    const members = graph.vertices.filter((vertex) => vertex.slotSharingGroup === group);
    slots += Math.max(...members.map((vertex) => vertex.parallelism));
  }
  const slotOf = graph.vertices.map((vertex) =>
    Array.from({ length: vertex.parallelism }, (_, i) => firstSlot.get(vertex.slotSharingGroup)! + i),
  );
  const tasks: TaskAssignment[] = [];
  for (const vertex of graph.vertices) {
    for (let subtask = 0; subtask < vertex.parallelism; subtask++) {
      tasks.push({ vertex: vertex.id, subtask, metricsRow: tasks.length });
    }
  }
  const rings: RingAssignment[] = [];
  for (const edge of graph.edges) {
    const upstream = graph.vertices[edge.from]!.parallelism;
    const downstream = graph.vertices[edge.to]!.parallelism;
    const connected = connections(edge.partitioner, upstream, downstream);
    for (let from = 0; from < upstream; from++) {
      for (const to of connected.from(from)) {
        if (slotOf[edge.from]![from] === slotOf[edge.to]![to]) continue;
        rings.push({ edge: edge.id, from, to, memory: createRing(ringBytes) });
      }
    }
  }
  return {
    slots,
    slotOf,
    tasks,
    rings,
    doorbells: Array.from({ length: slots }, () => createDoorbell()),
    progress: new SharedArrayBuffer(Math.max(4, slots * 4)),
    metrics: createTaskMetrics(tasks.length),
    roundTimes: createRoundTimes(slots),
  };
}
