/**
 * What one new task goes on from: which segments to read and which of their entries are its own. Plain data,
 * decided by the coordinator (redistribution.ts) and carried out by the runtime; segments are referenced.
 */
import type { KeyGroupRange, StateSchema, StateScope } from "../state/contract.js";
import type { Segment } from "./snapshot.js";

/** Which entries of a segment to take; all when both are absent. */
export interface EntrySelection {
  /** Only entries of these key groups. */
  readonly groups?: KeyGroupRange;
  /** Only entries whose place in the chain, counted from 0, is `index` modulo `of`. */
  readonly deal?: { readonly index: number; readonly of: number };
}

/** A part as one old subtask wrote it; a part may come from several. */
export interface PartRestore extends EntrySelection {
  readonly name: string;
  readonly scope: StateScope;
  readonly schema: StateSchema;
  readonly chain: readonly Segment[];
}

export interface OperatorRestore {
  readonly uid: string;
  readonly parts: readonly PartRestore[];
  /** Of a source: splits to go on with. */
  readonly splits?: readonly Readonly<Record<string, unknown>>[];
}

/** Records in flight, put in front of one of the new task's channels. */
export interface ChannelRestore extends EntrySelection {
  /** The new job graph's edge. */
  readonly edge: number;
  /** The new upstream subtask whose channel they are put in front of. */
  readonly from: number;
  readonly segment: Segment;
}

export interface TaskRestore {
  readonly vertex: number;
  readonly subtask: number;
  /** The whole vertex had processed all of its input: the task only says so again. */
  readonly finished: boolean;
  readonly operators: readonly OperatorRestore[];
  readonly channels: readonly ChannelRestore[];
}
