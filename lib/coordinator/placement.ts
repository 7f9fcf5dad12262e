/**
 * Placement: which slot runs which subtask, which host runs which slot, and the shared memory between slots. Pure.
 */
import { RING_BYTES } from "../base/limits.js";
import { createDoorbell } from "../exchange/doorbell.js";
import { createRing } from "../exchange/ring.js";
import { connections } from "../graph/connections.js";
import type { JobGraph } from "../graph/job-graph.js";
import { createRoundTimes } from "../metrics/round-times.js";
import { createTaskMetrics } from "../metrics/task-metrics.js";
import { BOUNDLESS, type Machine, planHosts, shareOf } from "../planner/hosts.js";
import type { RingAssignment, TaskAssignment } from "../protocol/deployment.js";
import type { HostPlan } from "../protocol/slot-host.js";

export interface Placement {
  readonly slots: number;
  readonly hosts: readonly HostPlan[];
  /** By slot: its host. */
  readonly hostOf: readonly number[];
  /** By slot: the part of its host's loop time it has. */
  readonly shares: readonly number[];
  /** By slot: memory for keyed state by its profile, MiB; 0: its profile says nothing, or it has none. */
  readonly managedMb: readonly number[];
  readonly slotOf: readonly (readonly number[])[];
  readonly tasks: readonly TaskAssignment[];
  readonly rings: readonly RingAssignment[];
  readonly doorbells: readonly SharedArrayBuffer[];
  readonly progress: SharedArrayBuffer;
  readonly metrics: SharedArrayBuffer;
  /** Absent: no latencies are tracked. */
  readonly latencies?: SharedArrayBuffer;
  readonly roundTimes: SharedArrayBuffer;
}

/** Throws RESOURCES_UNFULFILLABLE. */
export function place(
  graph: JobGraph,
  ringBytes: number = RING_BYTES,
  machine: Machine = BOUNDLESS,
): Placement {
  const planned = planHosts(graph, machine);
  const { slots: all, hosts } = planned;
  const slots = all.length;
  const slotOf = graph.vertices.map(({ slotSharingGroup, parallelism }) => {
    const first = all.findIndex(({ group }) => group === slotSharingGroup);
    return Array.from({ length: parallelism }, (_, subtask) => first + subtask);
  });
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
    hosts,
    hostOf: all.map((_, slot) => hosts.findIndex((host) => host.slots.includes(slot))),
    shares: all.map((_, slot) => shareOf(slot, planned)),
    managedMb: all.map(({ profile }) => profile?.managedMb ?? 0),
    slotOf,
    tasks,
    rings,
    doorbells: Array.from({ length: slots }, () => createDoorbell()),
    progress: new SharedArrayBuffer(Math.max(4, slots * 4)),
    metrics: createTaskMetrics(tasks.length),
    roundTimes: createRoundTimes(slots),
  };
}
