/**
 * A slot: builds the tasks of its share of the job, runs them a round at a time and reports what happens.
 * The same class runs in a worker thread and inline on the main thread.
 *
 * Called by: host. Calls: tasks, the coordinator through SlotEvents.
 */
import { systemClock } from "../base/clock.js";
import { MillraceError, toData } from "../base/error.js";
import { systemScheduler } from "../base/scheduler.js";
import { Doorbell } from "../exchange/doorbell.js";
import type { Deployment, SlotEvents } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import type { Split } from "../source/contract.js";
import { HostLoop } from "./host-loop.js";
import { SlotBuilder, type SlotTask } from "./slot-builder.js";

export class Slot {
  private readonly deployment: Deployment;
  private readonly events: SlotEvents;
  private readonly loop: HostLoop;
  private readonly tasks: readonly SlotTask[];
  private readonly abort = new AbortController();
  private ended = false;

  constructor(plan: Plan, deployment: Deployment, events: SlotEvents) {
    this.deployment = deployment;
    this.events = events;
    const doorbell = new Doorbell(deployment.doorbells[deployment.slot]!);
    this.loop = new HostLoop({
      clock: systemClock,
      scheduler: systemScheduler,
      doorbell,
      progress: new Int32Array(deployment.progress, deployment.slot * 4, 1),
      onTask: (index) => this.onPhase(index),
      onError: (error) => this.fail(error),
    });
    this.tasks = new SlotBuilder(plan, deployment, events, {
      signal: this.abort.signal,
      wake: () => this.loop.wake(),
      fail: (error) => this.fail(error),
    }).build();
    this.loop.tasks = this.tasks.map(({ task }) => task);
  }

  async open(): Promise<void> {
    for (const { task } of this.tasks) await task.open();
  }

  start(): void {
    this.loop.start();
  }

  addSplits(vertex: number, subtask: number, splits: readonly Split[] | undefined): void {
    const found = this.tasks.find((each) => each.vertex === vertex && each.subtask === subtask);
    if (found?.reader === undefined || this.ended) return;
    if (splits === undefined) found.reader.noMoreSplits();
    else found.reader.addSplits(splits);
    this.loop.wake();
  }

  async end(aborted: boolean): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    this.loop.stop();
    this.abort.abort();
    for (const { task } of this.tasks) await task.close(aborted);
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

  get slotNumber(): number {
    return this.deployment.slot;
  }
}
