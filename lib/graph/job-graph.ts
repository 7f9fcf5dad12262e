/**
 * The job graph: operators fused into vertices, with every number decided. Plain JSON; every thread plans
 * the same one from the same stream graph.
 *
 * Written by: planner. Read by: coordinator, runtime. May import: base, stream-graph.
 */
import type { GroupResources, OperatorNode, Partitioner } from "./stream-graph.js";

/** An operator within a vertex. `inputs` lists the operator of the same vertex that feeds it, if any. */
export interface ChainedOperator extends OperatorNode {
  /** Index in the vertex of the operator that feeds it; -1 for the head. */
  readonly feeder: number;
  /** The feeder's side output it reads. */
  readonly side?: string;
}

export interface JobVertex {
  readonly id: number;
  readonly name: string;
  readonly operators: readonly ChainedOperator[];
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly slotSharingGroup: string;
}

export interface JobEdge {
  readonly id: number;
  readonly from: number;
  /** Index of the operator in the upstream vertex whose output it carries. */
  readonly fromOperator: number;
  readonly to: number;
  readonly partitioner: Partitioner;
  readonly side?: string;
  /** Names the function (keyBy, partitionCustom) that chooses the channel. */
  readonly selector?: string;
  /** Which input of the vertex's head it feeds, where that has two; the first when absent. */
  readonly input?: 0 | 1;
}

export interface JobGraph {
  readonly job: string;
  /** By name, where anything is known of a slot sharing group. */
  readonly groups?: Readonly<Record<string, GroupResources>>;
  readonly vertices: readonly JobVertex[];
  readonly edges: readonly JobEdge[];
}
