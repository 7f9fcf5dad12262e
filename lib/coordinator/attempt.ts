/**
 * One start of a job: places its tasks, deploys them and runs them until all have finished or something has
 * failed. Every attempt has memory, threads and sources of its own.
 */
import type { Clock } from "../base/clock.js";
import { fromData, MillraceError } from "../base/error.js";
import type { Scheduler } from "../base/scheduler.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { TaskSnapshot } from "../checkpoint/snapshot.js";
import type { TaskRestore } from "../checkpoint/task-restore.js";
import type { Machine } from "../planner/hosts.js";
import type {
  CheckpointDeployment,
  CommittableReport,
  Deployment,
  JobOptions,
  SlotEvents,
  TaskId,
} from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import type { LaunchHost, SlotHost } from "../protocol/slot-host.js";
import type { StoreLocation } from "../storage/contract.js";
import { type Placement, place } from "./placement.js";
import type { SplitGivers } from "./split-givers.js";
import { Watchdog } from "./watchdog.js";

/** How long slots may take to stop before their threads are killed, ms. */
const STOP_PATIENCE_MS = 300;

export interface AttemptOptions {
  readonly plan: Plan;
  readonly moduleUrl: string;
  readonly params: unknown;
  readonly options: JobOptions;
  readonly fingerprint: string;
  readonly runId: string;
  readonly number: number;
  readonly checkpoints: CheckpointDeployment | undefined;
  readonly restores: readonly TaskRestore[];
  readonly restoreFrom: StoreLocation | undefined;
  readonly hangTimeoutMs: number;
  /** Capacity of each ring; default RING_BYTES. */
  readonly ringBytes?: number;
  /** What there is to take slots from; default: without bounds. */
  readonly machine?: Machine;
  readonly launch: LaunchHost;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly sources: SplitGivers;
  readonly events: AttemptEvents;
}

/** What an attempt tells whoever runs it. */
export interface AttemptEvents {
  rows(uid: string, rows: readonly unknown[], checkpoint: number): void;
  acknowledged(checkpoint: number, snapshot: TaskSnapshot): void;
  declined(checkpoint: number, task: TaskId, error: MillraceError): void;
  dataEnded(task: TaskId): void;
  taskFinished(task: TaskId): void;
}

export class Attempt {
  readonly placement: Placement;
  /** Without checkpoints: what sinks ask to be committed when all tasks have finished. */
  readonly committables: CommittableReport[] = [];
  /** As it is in the names of what its slots write. */
  readonly number: number;
  private readonly given: AttemptOptions;
  private readonly hosts: SlotHost[] = [];
  private unfinished: number;
  private ended = false;
  private settle!: { resolve: () => void; reject: (error: unknown) => void };
  private readonly allFinished: Promise<void>;
  private watchdog: Watchdog | undefined;

  constructor(given: AttemptOptions) {
    this.given = given;
    this.number = given.number;
    this.placement = place(given.plan.jobGraph, given.ringBytes, given.machine);
    this.unfinished = this.placement.tasks.length;
    this.allFinished = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.allFinished.catch(() => undefined);
  }

  /** Resolves when every task can start. */
  async deploy(): Promise<void> {
    await Promise.race([this.deploySlots(), this.allFinished]);
  }

  /** Starts the tasks; resolves when all have finished. */
  async run(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.control.start()));
    await this.allFinished;
  }

  /** Ends the attempt with an error. */
  fail(error: unknown): void {
    this.settle.reject(error);
  }

  /** Puts a barrier in front of what these tasks do next. */
  trigger(barrier: Barrier, tasks: readonly TaskId[]): void {
    for (const [slot, host] of this.hosts.entries()) {
      const here = tasks.filter(({ vertex, subtask }) => this.placement.slotOf[vertex]![subtask] === slot);
      if (here.length > 0) host.control.trigger(barrier, here);
    }
  }

  checkpointCompleted(checkpoint: number): void {
    for (const host of this.hosts) host.control.checkpointCompleted(checkpoint);
  }

  checkpointAborted(checkpoint: number): void {
    for (const host of this.hosts) host.control.checkpointAborted(checkpoint);
  }

  /** All tasks have finished: lets their threads go. */
  async close(): Promise<void> {
    this.ended = true;
    this.watchdog?.stop();
    await Promise.all(this.hosts.map((host) => host.control.close()));
    await Promise.allSettled(this.hosts.map((host) => host.release()));
  }

  /** Ends every slot, whatever it is doing. A slot that does not answer is killed. */
  async abort(): Promise<void> {
    this.ended = true;
    this.watchdog?.stop();
    const patience = new Promise<void>((resolve) => this.given.scheduler.after(STOP_PATIENCE_MS, resolve));
    const stopped = Promise.allSettled(this.hosts.map((host) => host?.control.stop()));
    await Promise.race([stopped, patience]);
    await Promise.allSettled(this.hosts.map((host) => host?.kill()));
    await Promise.allSettled(this.hosts.map((host) => host?.release()));
  }

  private async deploySlots(): Promise<void> {
    const { launch, clock, scheduler, hangTimeoutMs } = this.given;
    const { slots, hosts, hostOf, progress } = this.placement;
    const launched = Array.from({ length: slots }, async (_, slot) => {
      const host = await launch(slot, this.eventsOf(slot), hosts[hostOf[slot]!]!);
      this.hosts[slot] = host;
      host.failed.catch((error: unknown) => this.settle.reject(error));
      if (this.ended) await host.kill();
      else await host.control.deploy(this.deploymentOf(slot));
    });
    await Promise.all(launched);
    this.watchdog = new Watchdog({
      progress,
      hangTimeoutMs,
      clock,
      scheduler,
      onHang: (slot) => {
        const ms = hangTimeoutMs;
        this.settle.reject(
          new MillraceError("SLOT_HUNG", `slot ${slot} has not moved for ${ms} ms (${this.namesOf(slot)})`, {
            job: this.given.plan.jobGraph.job,
          }),
        );
      },
    });
  }

  private namesOf(slot: number): string {
    const { vertices } = this.given.plan.jobGraph;
    const running = this.placement.tasks.filter(
      (task) => this.placement.slotOf[task.vertex]![task.subtask] === slot,
    );
    return running.map((task) => `"${vertices[task.vertex]!.name}" subtask ${task.subtask}`).join(", ");
  }

  private deploymentOf(slot: number): Deployment {
    const { slotOf, tasks, rings, doorbells, progress, metrics, roundTimes } = this.placement;
    const { moduleUrl, params, options, fingerprint, runId, plan, number } = this.given;
    const { checkpoints, restoreFrom } = this.given;
    const { edges } = plan.jobGraph;
    const isHere = (task: TaskId) => slotOf[task.vertex]![task.subtask] === slot;
    return {
      moduleUrl,
      params,
      options,
      fingerprint,
      runId,
      attempt: number,
      ...(checkpoints === undefined ? {} : { checkpoints }),
      restores: this.given.restores.filter(isHere),
      ...(restoreFrom === undefined ? {} : { restoreFrom }),
      slot,
      share: this.placement.shares[slot]!,
      slotOf,
      doorbells,
      progress,
      metrics,
      roundTimes,
      tasks: tasks.filter(isHere),
      rings: rings.filter(({ edge, from, to }) => {
        const { from: upstream, to: downstream } = edges[edge]!;
        return slotOf[upstream]![from] === slot || slotOf[downstream]![to] === slot;
      }),
    };
  }

  private eventsOf(slot: number): SlotEvents {
    const { events, sources } = this.given;
    // What a slot of an ended attempt still says is nobody's concern.
    const alive =
      <A extends unknown[]>(event: (...given: A) => void) =>
      (...given: A) => {
        if (!this.ended) event(...given);
      };
    return {
      requestSplits: alive((vertex, subtask) => {
        const give = (splits: Parameters<SlotHost["control"]["addSplits"]>[2]) =>
          this.hosts[slot]?.control.addSplits(vertex, subtask, splits);
        void sources.request(vertex, subtask, give).catch((error: unknown) => this.settle.reject(error));
      }),
      rows: alive((uid, rows, checkpoint) => events.rows(uid, rows, checkpoint)),
      acknowledged: alive((checkpoint, snapshot) => events.acknowledged(checkpoint, snapshot)),
      declined: alive((checkpoint, task, error) => events.declined(checkpoint, task, fromData(error))),
      dataEnded: alive((vertex, subtask) => events.dataEnded({ vertex, subtask })),
      taskFinished: alive((vertex, subtask, committables) => {
        this.committables.push(...committables);
        events.taskFinished({ vertex, subtask });
        if (--this.unfinished === 0) this.settle.resolve();
      }),
      failed: alive((error) => this.settle.reject(fromData(error))),
    };
  }
}
