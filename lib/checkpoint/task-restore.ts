/**
 * What a task loads before it runs: its share of a checkpoint, as decided by redistribution.ts. Plain data that
 * crosses threads; bytes are only referred to, by segments.
 *
 * The loader, per operator and before it is opened: for every `PartRestore`, read its chain (the full segment
 * first, deltas in order), drop the entries that `take` leaves out, and give the rest to the declared part of
 * that name, whose schema kind must be the same. Then add the splits to the reader. Then, before any new
 * record, run the records of `channels` through their operator, in order.
 */
import type { KeyGroupRange, StateSchema, StateScope } from "../state/contract.js";
import type { PendingCommittable, Segment } from "./snapshot.js";

/** Which entries of a chain belong to the new subtask. */
export type EntryChoice =
  | { readonly kind: "all" }
  /** Those of these key groups. */
  | { readonly kind: "groups"; readonly groups: KeyGroupRange }
  /** `count` entries from the one with index `first`; the chain is a single full segment then. */
  | { readonly kind: "entries"; readonly first: number; readonly count: number };

/** A part of one old subtask, of which this subtask gets all or some. */
export interface PartRestore {
  readonly name: string;
  readonly scope: StateScope;
  readonly schema: StateSchema;
  /** The old subtask, for messages. */
  readonly from: number;
  readonly chain: readonly Segment[];
  readonly take: EntryChoice;
}

export interface OperatorRestore {
  readonly uid: string;
  readonly parts: readonly PartRestore[];
  /** For a source's reader. */
  readonly splits: readonly Readonly<Record<string, unknown>>[];
}

/** Records that were in flight on one old channel. */
export interface ChannelRestore {
  /** The new job's edge; undefined when its two operators are fused now. */
  readonly edge: number | undefined;
  /** Uid of the operator that takes the records: the head of its vertex unless it is fused now. */
  readonly operator: string;
  /** The old channel: upstream and downstream subtask. */
  readonly from: number;
  readonly to: number;
  readonly side: "receiver" | "sender";
  readonly segment: Segment;
  /** Only records of these key groups; all when absent. */
  readonly groups?: KeyGroupRange;
}

/** One new subtask. */
export interface TaskRestore {
  readonly vertex: number;
  readonly subtask: number;
  /**
   * All of the vertex had processed all of its input: the task opens no operator, it only tells downstream
   * that event time and data are at their end. Nothing is loaded then.
   */
  readonly finished: boolean;
  /** Operators that have something to load, in the order of the chain. */
  readonly operators: readonly OperatorRestore[];
  readonly channels: readonly ChannelRestore[];
}

/** Everything the coordinator needs to start the job from a checkpoint. */
export interface JobRestore {
  readonly checkpoint: number;
  /** Every subtask of the job, by vertex and subtask. */
  readonly tasks: readonly TaskRestore[];
  /** By sink: to be committed (again) before the tasks start. */
  readonly committables: readonly {
    readonly uid: string;
    readonly committables: readonly PendingCommittable[];
  }[];
  /** By source: what its enumerator is restored with. */
  readonly enumerators: readonly { readonly uid: string; readonly state: unknown }[];
  /** Uids whose state is dropped because the job does not have them (allowNonRestoredState). */
  readonly dropped: readonly string[];
}
