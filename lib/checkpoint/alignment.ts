/**
 * The barriers of a task: when it blocks channels, takes its snapshot, and which records in flight belong to
 * the checkpoint. A pure state machine after Flink's barrier handlers (FLIP-76 and the alignment timeout).
 *
 * A checkpoint is *pending* here from its first barrier or announcement until its barrier has come through
 * every channel that has not ended, or it is aborted. There is at most one pending (at-least-once: up to 50);
 * one with a higher id aborts it. Barriers of what is over are ignored.
 *
 *              no snapshot yet                 snapshot taken
 *  aligned     channels with barrier blocked   (complete at the same moment)
 *  unaligned   waiting for the first barrier   capturing channels without barrier
 *                    ▲ timeout, or a barrier that became unaligned upstream
 *                aligned, no barrier yet ── and with one or more: straight to capturing
 *
 * Invariants
 * - Every checkpoint that completes has exactly one `snapshot` and, at or after it, one `aligned`.
 * - No channel stays blocked when nothing is pending; nothing is blocked once it goes on unaligned.
 * - A channel that has ended counts as one whose barrier has come, for good.
 *
 * Called by: runtime (the task's inputs). May import: base.
 */
import { assert, present } from "../base/assert.js";
import { type AlignmentAction, alignmentTimes } from "./alignment-action.js";
import type { Barrier } from "./barrier.js";
import { BarrierCounts } from "./barrier-counts.js";

export type { AbortReason, AlignmentAction } from "./alignment-action.js";

export interface AlignmentOptions {
  /**
   * The inputs cannot be captured (an edge among them is broadcast or custom): the task aligns whatever the
   * barrier says, without timeout. The barrier goes on as it came.
   */
  readonly forceAligned?: boolean;
}

interface Pending {
  barrier: Barrier;
  readonly came: Set<number>;
  readonly blocked: Set<number>;
  readonly announced: Set<number>;
  readonly capturing: Set<number>;
  /** When the first barrier came, or a channel ended in its stead. */
  firstAt: number | undefined;
  unaligned: boolean;
  taken: boolean;
  /** When the timer that is armed goes off. */
  timerAt: number | undefined;
}

/**
 * The barrier handler of a task with `channels` inputs, numbered from 0 over all of its edges; 0 channels for
 * a source. Tell it every event and carry out what it answers, in order. `now` is the wall clock in ms, the
 * clock of `Barrier.timestamp`.
 */
export class Alignment {
  private readonly forceAligned: boolean;
  private readonly ended: boolean[];
  private readonly counts: BarrierCounts;
  private pending: Pending | undefined;
  private latestId = 0;

  constructor(channels: number, options: AlignmentOptions = {}) {
    this.forceAligned = options.forceAligned === true;
    this.ended = new Array<boolean>(channels).fill(false);
    this.counts = new BarrierCounts(this.ended);
  }

  /** The highest checkpoint heard of so far; lower ids are over unless they are pending. */
  get latest(): number {
    return this.latestId;
  }

  /** Ids of the checkpoints under way, ascending. */
  get pendingIds(): readonly number[] {
    return this.pending === undefined ? this.counts.pending : [this.pending.barrier.id];
  }

  /**
   * A barrier is known to be in the channel, behind records that are still to be read. Only needed for
   * barriers with an `alignedTimeoutMs`: they can be prioritised when the time is over.
   */
  onAnnouncement(channel: number, barrier: Barrier, now: number): AlignmentAction[] {
    this.checkOpen(channel);
    if (barrier.alignment === "at-least-once") return [];
    const actions: AlignmentAction[] = [];
    const pending = this.begin(barrier, actions);
    if (pending === undefined || pending.came.has(channel)) return actions;
    if (pending.unaligned) {
      actions.push({ do: "prioritise", channel, barrier: pending.barrier });
      return actions;
    }
    pending.announced.add(channel);
    if (this.isOverdue(pending, now)) this.goUnaligned(pending, actions);
    this.armTimer(actions, now);
    return actions;
  }

  /** A barrier was read from the channel, or has overtaken what is in it. */
  onBarrier(channel: number, barrier: Barrier, now: number): AlignmentAction[] {
    this.checkOpen(channel);
    return this.arrive([channel], barrier, now);
  }

  /**
   * The coordinator triggers this task itself: a source, or a task whose upstream tasks have all finished.
   * Channels that have not ended yet still hold records: the barrier stands behind their ends, which are on
   * their way.
   */
  onTrigger(barrier: Barrier, now: number): AlignmentAction[] {
    return this.arrive([], barrier, now);
  }

  /** The channel has ended: neither records nor barriers come any more. */
  onEnd(channel: number, now: number): AlignmentAction[] {
    this.checkOpen(channel);
    this.ended[channel] = true;
    const { pending } = this;
    if (pending === undefined) return this.counts.onEnd(now);
    const actions: AlignmentAction[] = [];
    pending.firstAt ??= now;
    pending.announced.delete(channel);
    if (pending.blocked.delete(channel)) actions.push({ do: "unblock", channel });
    if (pending.capturing.delete(channel)) actions.push({ do: "stopCapture", channel });
    if (this.isComplete(pending)) this.complete(pending, now, actions);
    else if (this.isOverdue(pending, now)) this.goUnaligned(pending, actions);
    return actions;
  }

  /** A cancel marker came through a channel, or the coordinator has given the checkpoint up. */
  onCancel(id: number): AlignmentAction[] {
    const actions: AlignmentAction[] = [];
    const isNew = id > this.latestId;
    const known = this.counts.has(id);
    if (isNew || known) actions.push(...this.counts.onCancel(id));
    if (this.pending !== undefined && this.pending.barrier.id <= id) {
      this.abort(this.pending, this.pending.barrier.id === id ? "cancelled" : "subsumed", actions);
    }
    if (isNew) {
      this.latestId = id;
      actions.push({ do: "abort", id, reason: "cancelled" });
    }
    return actions;
  }

  /** The timer has gone off. Too early, it is armed again; a timer of the past does nothing. */
  onTimeout(now: number): AlignmentAction[] {
    const { pending } = this;
    if (pending?.timerAt === undefined) return [];
    if (now < pending.timerAt) return [{ do: "timer", at: pending.timerAt }];
    pending.timerAt = undefined;
    const actions: AlignmentAction[] = [];
    this.goUnaligned(pending, actions);
    return actions;
  }

  /** The task ends: no timer may go off afterwards. */
  onClose(): AlignmentAction[] {
    const timer = this.pending?.timerAt;
    this.pending = undefined;
    return timer === undefined ? [] : [{ do: "cancelTimer" }];
  }

  private arrive(channels: readonly number[], barrier: Barrier, now: number): AlignmentAction[] {
    if (barrier.alignment === "at-least-once") {
      if (barrier.id <= this.latestId && !this.counts.has(barrier.id)) return [];
      this.latestId = Math.max(this.latestId, barrier.id);
      return this.counts.onBarrier(channels, barrier, now);
    }
    const actions: AlignmentAction[] = [];
    const pending = this.begin(barrier, actions);
    if (pending === undefined) return actions;
    const fresh = channels.filter((channel) => !pending.came.has(channel));
    if (fresh.length === 0 && channels.length > 0) return actions;
    pending.firstAt ??= now;
    for (const channel of fresh) {
      pending.came.add(channel);
      pending.announced.delete(channel);
    }
    // What has become unaligned somewhere goes on unaligned, also where this task has to align.
    if (barrier.alignment === "unaligned") pending.barrier = barrier;
    const complete = this.isComplete(pending);
    const overdue = !complete && this.isOverdue(pending, now);
    if (!this.forceAligned && (barrier.alignment === "unaligned" || overdue)) pending.unaligned = true;
    if (pending.unaligned) {
      if (!pending.taken) this.takeUnaligned(pending, fresh, actions);
      for (const channel of fresh) {
        if (pending.capturing.delete(channel)) actions.push({ do: "stopCapture", channel });
      }
    } else if (!complete) {
      for (const channel of fresh) {
        pending.blocked.add(channel);
        actions.push({ do: "block", channel });
      }
    }
    if (complete) this.complete(pending, now, actions);
    this.armTimer(actions, now);
    return actions;
  }

  /** The checkpoint a barrier belongs to; undefined when it is over. */
  private begin(barrier: Barrier, actions: AlignmentAction[]): Pending | undefined {
    if (barrier.id <= this.latestId) {
      return this.pending?.barrier.id === barrier.id ? this.pending : undefined;
    }
    if (this.pending !== undefined) this.abort(this.pending, "subsumed", actions);
    this.latestId = barrier.id;
    this.pending = {
      barrier,
      came: new Set(),
      blocked: new Set(),
      announced: new Set(),
      capturing: new Set(),
      firstAt: undefined,
      unaligned: barrier.alignment === "unaligned" && !this.forceAligned,
      taken: false,
      timerAt: undefined,
    };
    return this.pending;
  }

  private isComplete(pending: Pending): boolean {
    return this.ended.every((ended, channel) => ended || pending.came.has(channel));
  }

  private canTimeOut({ barrier, unaligned }: Pending): boolean {
    return (
      !this.forceAligned && !unaligned && barrier.alignment === "aligned" && barrier.alignedTimeoutMs > 0
    );
  }

  private isOverdue(pending: Pending, now: number): boolean {
    return this.canTimeOut(pending) && now - pending.barrier.timestamp > pending.barrier.alignedTimeoutMs;
  }

  private goUnaligned(pending: Pending, actions: AlignmentAction[]): void {
    pending.unaligned = true;
    if (pending.came.size > 0) this.takeUnaligned(pending, [], actions);
    else this.settle(pending, actions);
  }

  /** `overtaking`: channels whose barrier has just come, maybe past records that are still queued. */
  private takeUnaligned(pending: Pending, overtaking: readonly number[], actions: AlignmentAction[]): void {
    pending.taken = true;
    pending.barrier = { ...pending.barrier, alignment: "unaligned" };
    for (const channel of this.open()) {
      if (!pending.came.has(channel) || overtaking.includes(channel)) pending.capturing.add(channel);
    }
    if (pending.capturing.size > 0) actions.push({ do: "capture", channels: [...pending.capturing] });
    actions.push({ do: "snapshot", barrier: pending.barrier, unaligned: true });
    this.settle(pending, actions);
  }

  /** Nothing is blocked or timed any more, and announced barriers are called for. */
  private settle(pending: Pending, actions: AlignmentAction[]): void {
    this.unblockAll(pending, actions);
    this.cancelTimer(pending, actions);
    const { barrier, announced } = pending;
    for (const channel of announced) actions.push({ do: "prioritise", channel, barrier });
    pending.announced.clear();
  }

  /** The end of alignment is stamped first: carrying out what follows may already report it. */
  private complete(pending: Pending, now: number, actions: AlignmentAction[]): void {
    const times = alignmentTimes(pending.barrier, present(pending.firstAt), now);
    if (!pending.taken) {
      if (pending.unaligned) this.takeUnaligned(pending, [], actions);
      else actions.push({ do: "snapshot", barrier: pending.barrier, unaligned: false });
    }
    actions.push({ do: "aligned", barrier: pending.barrier, ...times });
    this.unblockAll(pending, actions);
    this.cancelTimer(pending, actions);
    this.pending = undefined;
  }

  private abort(pending: Pending, reason: "subsumed" | "cancelled", actions: AlignmentAction[]): void {
    this.pending = undefined;
    actions.push({ do: "abort", id: pending.barrier.id, reason });
    this.unblockAll(pending, actions);
    this.cancelTimer(pending, actions);
  }

  private unblockAll(pending: Pending, actions: AlignmentAction[]): void {
    for (const channel of pending.blocked) actions.push({ do: "unblock", channel });
    pending.blocked.clear();
  }

  private armTimer(actions: AlignmentAction[], now: number): void {
    const { pending } = this;
    if (pending === undefined || pending.timerAt !== undefined || !this.canTimeOut(pending)) return;
    pending.timerAt = Math.max(now, pending.barrier.timestamp + pending.barrier.alignedTimeoutMs);
    actions.push({ do: "timer", at: pending.timerAt });
  }

  private cancelTimer(pending: Pending, actions: AlignmentAction[]): void {
    if (pending.timerAt === undefined) return;
    pending.timerAt = undefined;
    actions.push({ do: "cancelTimer" });
  }

  private open(): number[] {
    return this.ended.flatMap((ended, channel) => (ended ? [] : [channel]));
  }

  private checkOpen(channel: number): void {
    assert(this.ended[channel] === false, `channel ${channel} does not exist or has ended`);
  }
}
