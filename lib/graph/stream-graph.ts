/**
 * The stream graph: what the user said, as plain JSON. Operators by uid, edges with their partitioners.
 * Functions are not in it: they live in the program's function table under the same uid (api/program.ts).
 *
 * Written by: api. Read by: planner. May import: base.
 */

import type { ResourceProfile } from "./resource-profile.js";

/** How records of an edge find their channel. */
export type Partitioner =
  | "forward"
  | "hash"
  | "rebalance"
  | "rescale"
  | "shuffle"
  | "broadcast"
  | "global"
  | "custom";

/** Whether an operator may be fused with the one before it (Flink's chaining strategies). */
export type Chaining = "always" | "head" | "never";

export interface OperatorNode {
  readonly uid: string;
  name: string;
  /** What it does: "map", "window", "sink", ... */
  readonly kind: string;
  /** Options that --explain prints and the fingerprint covers. */
  readonly config: Readonly<Record<string, unknown>>;
  parallelism?: number;
  maxParallelism?: number;
  slotSharingGroup: string;
  chaining: Chaining;
}

export interface StreamEdge {
  readonly from: string;
  readonly to: string;
  readonly partitioner: Partitioner;
  /** The side output it carries; the main output when absent. */
  readonly side?: string;
  /** Names the function (keyBy, partitionCustom) that chooses the channel. */
  readonly selector?: string;
  /** Which input of an operator with two it feeds; the first when absent. */
  readonly input?: 0 | 1;
  /** The user asked for this partitioner: it is not replaced when parallelisms differ. */
  readonly explicit?: boolean;
}

/** What is known of a slot sharing group besides its name. */
export interface GroupResources {
  /** Absent: its slots are default slots. */
  readonly profile?: ResourceProfile;
  /** Its slots share their threads with slots of no other group. */
  readonly exclusive?: boolean;
}

export interface StreamGraph {
  readonly job: string;
  /** By name, where anything is known of a slot sharing group. */
  readonly groups?: Readonly<Record<string, GroupResources>>;
  readonly operators: OperatorNode[];
  readonly edges: StreamEdge[];
}
