/**
 * Barriers at least once: nothing waits, a checkpoint is taken when its barrier has come through every
 * channel. Several may be under way; a later one that is complete makes those before it pointless.
 *
 * Called by: alignment.ts, which tells channels apart and sorts out ids that are over.
 */
import { type AlignmentAction, alignmentTimes } from "./alignment-action.js";
import type { Barrier } from "./barrier.js";

/** Checkpoints counted at a time; the oldest is given up for a further one. */
const PENDING_MAX = 50;

interface Count {
  readonly barrier: Barrier;
  readonly firstAt: number;
  readonly came: Set<number>;
}

export class BarrierCounts {
  /** By channel; kept by the owner. */
  private readonly ended: readonly boolean[];
  /** In ascending order of ids. */
  private counts: Count[] = [];

  constructor(ended: readonly boolean[]) {
    this.ended = ended;
  }

  get pending(): readonly number[] {
    return this.counts.map(({ barrier }) => barrier.id);
  }

  has(id: number): boolean {
    return this.counts.some(({ barrier }) => barrier.id === id);
  }

  /** A barrier that is pending or later than all there were. */
  onBarrier(channels: readonly number[], barrier: Barrier, now: number): AlignmentAction[] {
    const actions: AlignmentAction[] = [];
    let count = this.counts.find((each) => each.barrier.id === barrier.id);
    if (count === undefined) {
      count = { barrier, firstAt: now, came: new Set() };
      this.counts.push(count);
      if (this.counts.length > PENDING_MAX) actions.push(abort(this.counts.shift()!, "subsumed"));
    }
    for (const channel of channels) count.came.add(channel);
    return [...actions, ...this.complete(now)];
  }

  /** A channel has ended; the owner has noted it. */
  onEnd(now: number): AlignmentAction[] {
    return this.complete(now);
  }

  /** Gives up a checkpoint and those before it: an upstream task went on to this one without them. */
  onCancel(id: number): AlignmentAction[] {
    const over = this.counts.filter(({ barrier }) => barrier.id <= id);
    this.counts = this.counts.filter(({ barrier }) => barrier.id > id);
    return over.map((count) => abort(count, count.barrier.id === id ? "cancelled" : "subsumed"));
  }

  private complete(now: number): AlignmentAction[] {
    const index = this.counts.findLastIndex(({ came }) =>
      this.ended.every((ended, channel) => ended || came.has(channel)),
    );
    if (index < 0) return [];
    const done = this.counts[index]!;
    const actions: AlignmentAction[] = this.counts.slice(0, index).map((count) => abort(count, "subsumed"));
    this.counts = this.counts.slice(index + 1);
    const { barrier, firstAt } = done;
    actions.push({ do: "snapshot", barrier, unaligned: false });
    actions.push({ do: "aligned", barrier, ...alignmentTimes(barrier, firstAt, now) });
    return actions;
  }
}

function abort(count: Count, reason: "subsumed" | "cancelled"): AlignmentAction {
  return { do: "abort", id: count.barrier.id, reason };
}
