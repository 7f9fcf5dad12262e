/**
 * A slot: builds the tasks of its share of the job, runs them a round at a time and reports what happens.
 * The same class runs in a worker thread and inline on the main thread.
 *
 * Called by: host. Calls: tasks, the coordinator through SlotEvents.
 */
import type { Clock } from "../base/clock.js";
import { MillraceError, toData } from "../base/error.js";
import { ROUND_MS } from "../base/limits.js";
import type { Scheduler } from "../base/scheduler.js";
import type { Barrier } from "../checkpoint/barrier.js";
import { Doorbell } from "../exchange/doorbell.js";
import { RoundCounter } from "../metrics/round-times.js";
import type { Deployment, SlotEvents, TaskId } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import type { Split } from "../source/contract.js";
import type { StateBackend } from "../state/contract.js";
import type { BlobStore } from "../storage/contract.js";
import { type DriveRounds, HostLoop } from "./host-loop.js";
import { closeAll } from "./opening.js";
import { SlotBuilder, type SlotStandIns, type SlotTask } from "./slot-builder.js";
import { SourceTask } from "./source-task.js";
import { restoreTask } from "./task-restoring.js";

export interface SlotParts {
  readonly backend: StateBackend;
  /** Where snapshots go; absent: they travel with their acknowledgement. */
  readonly store: BlobStore | undefined;
  /** Where what is restored lies. */
  readonly restoreStore: BlobStore | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** What runs the slot's rounds, where it is not the thread's event loop. */
  readonly drive?: DriveRounds;
  /** Snapshots of at most so many bytes travel with their acknowledgement; default SNAPSHOT_INLINE_BYTES. */
  readonly inlineBytes?: number;
  readonly standIns?: SlotStandIns;
}

export class Slot {
  private readonly deployment: Deployment;
  private readonly events: SlotEvents;
  private readonly loop: HostLoop;
  private readonly tasks: readonly SlotTask[];
  private readonly restoreStore: BlobStore | undefined;
  private readonly abort = new AbortController();
  private ended = false;

  constructor(plan: Plan, deployment: Deployment, events: SlotEvents, parts: SlotParts) {
    this.deployment = deployment;
    this.events = events;
    this.restoreStore = parts.restoreStore;
    const doorbell = new Doorbell(deployment.doorbells[deployment.slot]!);
    this.loop = new HostLoop({
      clock: parts.clock,
      scheduler: parts.scheduler,
      drive: parts.drive,
      doorbell,
      roundsMs: ROUND_MS * (deployment.share ?? 1),
      progress: new Int32Array(deployment.progress, deployment.slot * 4, 1),
      times: new RoundCounter(deployment.roundTimes, deployment.slot),
      onTask: (index) => this.onPhase(index),
      onError: (error) => this.fail(error),
    });
    this.tasks = new SlotBuilder(plan, deployment, events, {
      ...parts,
      signal: this.abort.signal,
      wake: () => this.loop.wake(),
      fail: (error) => this.fail(error),
    }).build();
    this.loop.tasks = this.tasks.map(({ task }) => task);
  }

  /** Restores what there is to restore, then opens every task. */
  async open(): Promise<void> {
    for (const built of this.tasks) {
      const restore = this.deployment.restores.find(
        ({ vertex, subtask }) => vertex === built.vertex && subtask === built.subtask,
      );
      if (restore !== undefined) await restoreTask(built, restore, this.restoreStore);
    }
    for (const { task } of this.tasks) await task.open();
  }

  start(): void {
    this.loop.start();
  }

  addSplits(vertex: number, subtask: number, splits: readonly Split[] | undefined): void {
    this.tell(() => {
      const task = this.find({ vertex, subtask })?.task;
      if (task instanceof SourceTask) task.addSplits(splits);
    });
  }

  alignSource(vertex: number, limit: number): void {
    this.tell(() => {
      for (const each of this.tasks) {
        if (each.vertex === vertex && each.task instanceof SourceTask) each.task.align(limit);
      }
    });
  }

  trigger(barrier: Barrier, tasks: readonly TaskId[]): void {
    this.tell(() => {
      for (const id of tasks) this.find(id)?.task.trigger(barrier);
    });
  }

  checkpointCompleted(checkpoint: number): void {
    this.tell(() => {
      for (const { task } of this.tasks) task.completed(checkpoint);
    });
  }

  checkpointAborted(checkpoint: number): void {
    this.tell(() => {
      for (const { task } of this.tasks) task.aborted(checkpoint);
    });
  }

  /** Tells at once what functions have counted. */
  reportFunctions(): void {
    for (const { functions } of this.tasks) functions.reportLast();
  }

  async end(aborted: boolean): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    this.loop.stop();
    this.abort.abort();
    await closeAll(
      this.tasks.flatMap(({ task, states }) => [() => task.close(aborted), () => states.close()]),
    );
  }

  private find({ vertex, subtask }: TaskId): SlotTask | undefined {
    return this.tasks.find((each) => each.vertex === vertex && each.subtask === subtask);
  }

  /** What the coordinator says between two rounds; an error in it is the slot's, not the coordinator's. */
  private tell(what: () => void): void {
    if (this.ended) return;
    try {
      what();
    } catch (error) {
      this.fail(error);
    }
    this.loop.wake();
  }

  /** A task's outputs are empty: its sinks name what they wrote, then it is finished. */
  private onPhase(index: number): void {
    const { task, vertex, subtask } = this.tasks[index]!;
    task.phase = "finished";
    task
      .commit()
      .then(() => {
        task.report();
        this.events.taskFinished(vertex, subtask, task.committables);
      })
      .catch((error: unknown) => this.fail(error));
  }

  private fail(error: unknown): void {
    if (this.ended) return;
    this.loop.stop();
    const known = MillraceError.is(error)
      ? error
      : new MillraceError("INTERNAL", String(error), { cause: error });
    this.events.failed(toData(known));
  }
}
