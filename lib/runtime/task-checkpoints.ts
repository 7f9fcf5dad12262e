/**
 * Checkpoints as one task takes them: carries out what the alignment decides (hold a channel, take the
 * snapshot, copy what is in flight) as soon as the task is between two elements, and sees running snapshots
 * through to their acknowledgement.
 *
 * Called by: task.ts, every turn and on every barrier. `pending` blocks the task: nothing is taken from any
 * input while a decision waits to be carried out.
 */
import { MillraceError } from "../base/error.js";
import { Alignment, type AlignmentAction } from "../checkpoint/alignment.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { ChannelSnapshot, TaskSnapshot } from "../checkpoint/snapshot.js";
import type { Input, TakeRecord } from "./inputs.js";
import type { Output } from "./outputs.js";
import { RunningSnapshot, type SnapshotOperator, type SnapshotTarget } from "./running-snapshot.js";

type Prioritise = Extract<AlignmentAction, { do: "prioritise" }>;

export interface CheckpointEvents {
  acknowledge(checkpoint: number, snapshot: TaskSnapshot): void;
  decline(checkpoint: number, error: unknown): void;
}

/** A channel and the place of its records in flight in a checkpoint. */
export interface SnapshotChannel<C> {
  readonly channel: C;
  readonly edge: number;
  readonly from: number;
  readonly to: number;
  /** Its barriers never overtake records (forward, broadcast, ...). */
  readonly alwaysAligned: boolean;
}

export interface SnapshotInput extends SnapshotChannel<Input> {
  /** Where the channel's records travel without their key groups, but a restore would ask for them. */
  readonly keyGroupOf?: (record: unknown) => number;
}

/** What the task is to its checkpoints. */
export interface CheckpointedTask {
  /** No element is partly through the operators. */
  readonly settled: boolean;
  readonly finishedData: boolean;
  readonly bytesIn: number;
  /** Before the barrier goes on; may emit. */
  prepareSnapshot(checkpoint: number): void;
  wake(): void;
}

export interface TaskCheckpointsOptions extends SnapshotTarget {
  readonly task: CheckpointedTask;
  readonly events: CheckpointEvents;
  readonly operators: readonly SnapshotOperator[];
  readonly inputs: readonly SnapshotInput[];
  readonly outputs: readonly SnapshotChannel<Output>[];
  /** Wall time, ms. */
  wallNow(): number;
}

export class TaskCheckpoints {
  /** The newest checkpoint that a snapshot was taken for. */
  latest = 0;
  private readonly given: TaskCheckpointsOptions;
  private readonly alignment: Alignment;
  private readonly actions: AlignmentAction[] = [];
  private running: RunningSnapshot | undefined;
  /** Snapshots on their way into the store. */
  private storing = 0;
  private timerAt = Number.POSITIVE_INFINITY;
  /** By input: the barrier came as a mark, in front of what it overtook. */
  private readonly marked: boolean[] = [];
  private readonly copies: (TakeRecord | undefined)[] = [];
  /** The first barrier of the newest checkpoint, and what had come in until then. */
  private newest: { readonly barrier: Barrier; readonly bytesIn: number } | undefined;
  /** The first snapshot taken after the task had finished its data: its completion ends the task. */
  private finalCheckpoint = Number.POSITIVE_INFINITY;

  constructor(given: TaskCheckpointsOptions) {
    this.given = given;
    const forceAligned = given.inputs.some(({ alwaysAligned }) => alwaysAligned);
    this.alignment = new Alignment(given.inputs.length, { forceAligned });
  }

  /** A decision waits for the task to be between two elements. */
  get pending(): boolean {
    return this.actions.length > 0;
  }

  /** A checkpoint is under way that this task has not acknowledged. */
  get busy(): boolean {
    const { alignment, running, storing } = this;
    return this.pending || running !== undefined || storing > 0 || alignment.pendingIds.length > 0;
  }

  /** From the coordinator: to a source, or to a task whose upstream tasks have all finished. */
  trigger(barrier: Barrier): void {
    this.note(barrier);
    this.carryOut(this.alignment.onTrigger(barrier, this.given.wallNow()));
    this.given.task.wake();
  }

  /** A barrier was read from a channel, or was seen as a mark (`unaligned`). */
  onBarrier(channel: number, barrier: Barrier): void {
    this.note(barrier);
    this.marked[channel] = barrier.alignment === "unaligned";
    this.carryOut(this.alignment.onBarrier(channel, barrier, this.given.wallNow()));
  }

  onAnnouncement(channel: number, barrier: Barrier): void {
    this.note(barrier);
    this.carryOut(this.alignment.onAnnouncement(channel, barrier, this.given.wallNow()));
  }

  onEnd(channel: number): void {
    this.carryOut(this.alignment.onEnd(channel, this.given.wallNow()));
  }

  /** The coordinator gave a checkpoint up. */
  abort(id: number): void {
    this.carryOut(this.alignment.onCancel(id));
    this.drop(id);
  }

  /** True when this checkpoint's completion ends the task. */
  isFinal(completed: number): boolean {
    return completed >= this.finalCheckpoint;
  }

  /** Once a turn, after the task has settled what it could; true when something moved. */
  step(): boolean {
    const { inputs, wallNow } = this.given;
    for (const { channel } of inputs) channel.look();
    if (wallNow() >= this.timerAt) {
      this.timerAt = Number.POSITIVE_INFINITY;
      this.carryOut(this.alignment.onTimeout(wallNow()));
    }
    let moved = this.pending && this.run();
    const { running } = this;
    if (running === undefined) return moved;
    try {
      moved = running.pack() || moved;
    } catch (error) {
      this.giveUp(running, error);
      return true;
    }
    if (running.ready) this.store(running);
    return moved;
  }

  close(): void {
    this.running?.release();
    this.running = undefined;
  }

  private note(barrier: Barrier): void {
    if (barrier.id <= (this.newest?.barrier.id ?? 0)) return;
    this.newest = { barrier, bytesIn: this.given.task.bytesIn };
    // Copies for one whose snapshot has failed go nowhere: a later one must not find them.
    this.copies.length = 0;
  }

  private carryOut(actions: readonly AlignmentAction[]): void {
    this.actions.push(...actions);
    this.run();
  }

  /** Carries out what can be now, in order. */
  private run(): boolean {
    let moved = false;
    const prioritised: Prioritise[] = [];
    while (this.actions.length > 0) {
      const action = this.actions[0]!;
      if (action.do === "snapshot" && !this.mayBegin(action.barrier)) break;
      this.actions.shift();
      if (action.do === "prioritise") prioritised.push(action);
      else this.one(action);
      moved = true;
    }
    for (const each of prioritised) this.prioritise(each);
    return moved;
  }

  private mayBegin({ alignment }: Barrier): boolean {
    if (!this.given.task.settled) return false;
    if (alignment !== "unaligned") return true;
    return this.given.outputs.every((output) => output.alwaysAligned || output.channel.readyToOvertake());
  }

  private one(action: Exclude<AlignmentAction, Prioritise>): void {
    const channel = "channel" in action ? this.given.inputs[action.channel]!.channel : undefined;
    switch (action.do) {
      case "block":
        channel!.held = true;
        break;
      case "unblock":
        channel!.held = false;
        this.given.task.wake();
        break;
      case "snapshot":
        this.begin(action.barrier);
        break;
      case "capture":
        for (const input of action.channels)
          this.given.inputs[input]!.channel.startCapture(this.copyOf(input));
        break;
      case "stopCapture":
        if (this.marked[action.channel] === true) channel!.captureToMark(this.copyOf(action.channel));
        else channel!.stopCapture();
        break;
      case "aligned":
        this.aligned(action.barrier.id, action.startDelayMs, action.alignmentMs);
        break;
      case "abort":
        this.drop(action.id);
        if (action.reason === "subsumed") this.given.events.decline(action.id, subsumed(action.id));
        break;
      case "timer":
        this.timerAt = action.at;
        break;
      case "cancelTimer":
        this.timerAt = Number.POSITIVE_INFINITY;
    }
  }

  /** An announced barrier counts as having come now, in front of what it is behind of. */
  private prioritise({ channel, barrier }: Prioritise): void {
    this.given.inputs[channel]!.channel.overtaken(barrier);
    this.onBarrier(channel, { ...barrier, alignment: "unaligned" });
  }

  private begin(barrier: Barrier): void {
    const { operators, outputs, task } = this.given;
    this.running?.release();
    const snapshot = new RunningSnapshot(barrier, operators, this.given);
    this.running = snapshot;
    snapshot.finished = task.finishedData;
    if (snapshot.finished) this.finalCheckpoint = Math.min(this.finalCheckpoint, barrier.id);
    try {
      task.prepareSnapshot(barrier.id);
      for (const output of outputs) {
        const { channel, alwaysAligned, edge, from, to } = output;
        if (barrier.alignment !== "unaligned" || alwaysAligned) channel.barrier(barrier);
        else channel.overtake(barrier, this.copyTo({ edge, from, to, side: "sender" }));
      }
      snapshot.freeze();
      // Behind what writers passed on while they were asked to commit: that belongs to this checkpoint.
      this.latest = barrier.id;
    } catch (error) {
      this.giveUp(snapshot, error);
    }
    // Not before: what sinks pass on while they are asked for committables belongs to this checkpoint.
    this.latest = barrier.id;
  }

  private copyOf(input: number): TakeRecord {
    const known = this.copies[input];
    if (known !== undefined) return known;
    const { edge, from, to, keyGroupOf } = this.given.inputs[input]!;
    const copy = this.copyTo({ edge, from, to, side: "receiver" });
    const made: TakeRecord =
      keyGroupOf === undefined ? copy : (record, timestamp) => copy(record, timestamp, keyGroupOf(record));
    this.copies[input] = made;
    return made;
  }

  /** Copies go into the running snapshot; only what has something in flight gets a place in it. */
  private copyTo(place: Omit<ChannelSnapshot, "segment">): TakeRecord {
    let take: TakeRecord | undefined;
    return (record, timestamp, keyGroup) => {
      take ??= this.running?.capture(place) ?? nowhere;
      take(record, timestamp, keyGroup);
    };
  }

  private aligned(id: number, startDelayMs: number, alignmentMs: number): void {
    this.copies.length = 0;
    const { running, newest } = this;
    if (running?.barrier.id !== id) return;
    const processedBytes = this.given.task.bytesIn - (newest?.bytesIn ?? 0);
    running.aligned({ startDelayMs, alignmentMs, processedBytes });
  }

  private drop(id: number): void {
    if (this.running?.barrier.id !== id) return;
    for (const { channel } of this.given.inputs) channel.stopCapture();
    this.copies.length = 0;
    this.running.release();
    this.running = undefined;
  }

  private store(snapshot: RunningSnapshot): void {
    const { id } = snapshot.barrier;
    const { events } = this.given;
    this.storing++;
    snapshot
      .store()
      .then(
        (made) => events.acknowledge(id, made),
        (error: unknown) => events.decline(id, error),
      )
      .finally(() => {
        this.storing--;
        this.given.task.wake();
      });
    this.running = undefined;
  }

  private giveUp(snapshot: RunningSnapshot, error: unknown): void {
    const { id } = snapshot.barrier;
    this.drop(id);
    this.given.events.decline(id, error);
  }
}

function nowhere(): void {}

function subsumed(id: number): MillraceError {
  return new MillraceError("CHECKPOINT_SUBSUMED", `a later checkpoint overtook checkpoint ${id}`);
}
