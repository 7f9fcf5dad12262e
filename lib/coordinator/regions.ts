/**
 * Regions: the slots that fail and start again together. Two slots are of one region when a channel connects them,
 * be it by way of others: what one of them has lost, the other has sent or will get; or when they share a host, which
 * ends with all of its slots. Slots of different regions have nothing in common but the enumerators of their sources
 * and the committers of their sinks. Pure.
 */
import { createDoorbell } from "../exchange/doorbell.js";
import { createRing } from "../exchange/ring.js";
import { connections } from "../graph/connections.js";
import type { JobGraph } from "../graph/job-graph.js";
import { TaskMetrics } from "../metrics/task-metrics.js";
import type { RingAssignment, TaskAssignment } from "../protocol/deployment.js";
import type { Placement } from "./placement.js";

export interface Region {
  /** In ascending order. */
  readonly slots: readonly number[];
  readonly tasks: readonly TaskAssignment[];
}

/** The regions of a job, by their first slots. */
export function regionsOf(graph: JobGraph, { slots, hosts, slotOf, tasks }: Placement): Region[] {
  const joined = Array.from({ length: slots }, (_, slot) => slot);
  const first = (slot: number): number => {
    let at = slot;
    while (joined[at] !== at) at = joined[at]!;
    return at;
  };
  const join = (one: number, other: number) => {
    const [a, b] = [first(one), first(other)];
    joined[Math.max(a, b)] = Math.min(a, b);
  };
  for (const { from, to, partitioner } of graph.edges) {
    const [upstream, downstream] = [slotOf[from]!, slotOf[to]!];
    const connected = connections(partitioner, upstream.length, downstream.length);
    for (const [subtask, slot] of downstream.entries()) {
      for (const sender of connected.to(subtask)) join(upstream[sender]!, slot);
    }
  }
  // What ends a host ends all of its slots.
  for (const host of hosts) for (const slot of host.slots) join(host.slots[0]!, slot);
  const firsts = joined.map((_, slot) => first(slot));
  return [...new Set(firsts)].map((each) => ({
    slots: firsts.flatMap((other, slot) => (other === each ? [slot] : [])),
    tasks: tasks.filter(({ vertex, subtask }) => firsts[slotOf[vertex]![subtask]!] === each),
  }));
}

/**
 * The placement for another run of a region whose threads are gone: all that they wrote to together is new. Their
 * rows of the metrics and their progress words had no other writer; they begin anew.
 */
export function renewed(placement: Placement, graph: JobGraph, region: Region, ringBytes: number): Placement {
  const { slotOf, rings, doorbells, metrics, progress } = placement;
  const words = new Int32Array(progress);
  for (const slot of region.slots) Atomics.store(words, slot, 0);
  for (const { metricsRow } of region.tasks) new TaskMetrics(metrics, metricsRow).clear();
  const isOwn = ({ edge, from }: RingAssignment) =>
    region.slots.includes(slotOf[graph.edges[edge]!.from]![from]!);
  return {
    ...placement,
    rings: rings.map((ring) => (isOwn(ring) ? { ...ring, memory: createRing(ringBytes) } : ring)),
    doorbells: doorbells.map((each, slot) => (region.slots.includes(slot) ? createDoorbell() : each)),
  };
}
