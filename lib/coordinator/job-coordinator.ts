/**
 * One run of a job: deploys its slots, gives out splits, gathers rows and committables, commits when every
 * task has finished, and ends everything when something fails. Never touches a record on its way.
 *
 * States: created -> deploying -> running -> committing -> finished; from anywhere: failed | cancelled.
 */

import type { Clock } from "../base/clock.js";
import { fromData, MillraceError } from "../base/error.js";
import type { Scheduler } from "../base/scheduler.js";
import type { SourceLogic } from "../operators/source.js";
import type { CommittableReport, Deployment, JobOptions, SlotEvents } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import type { LaunchHost, SlotHost } from "../protocol/slot-host.js";
import type { SinkCommitter, SinkDefinition } from "../sink/contract.js";
import type { SplitEnumerator } from "../source/contract.js";
import { type Placement, place } from "./placement.js";
import { Watchdog } from "./watchdog.js";

export type JobState =
  | "created"
  | "deploying"
  | "running"
  | "committing"
  | "finished"
  | "failed"
  | "cancelled";

export interface JobCoordinatorOptions {
  readonly plan: Plan;
  readonly moduleUrl: string;
  readonly params: unknown;
  readonly options: JobOptions;
  readonly fingerprint: string;
  readonly runId: string;
  readonly hangTimeoutMs: number;
  readonly launch: LaunchHost;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly onRows: (uid: string, rows: readonly unknown[]) => void;
}

export class JobCoordinator {
  state: JobState = "created";
  readonly placement: Placement;
  readonly enumerators = new Map<number, SplitEnumerator>();
  private readonly given: JobCoordinatorOptions;
  private readonly committers = new Map<string, SinkCommitter>();
  private readonly committables: CommittableReport[] = [];
  private readonly hosts: SlotHost[] = [];
  private unfinished = 0;
  private settle!: { resolve: () => void; reject: (error: unknown) => void };
  private readonly allFinished: Promise<void>;
  private watchdog: Watchdog | undefined;

  constructor(given: JobCoordinatorOptions) {
    this.given = given;
    this.placement = place(given.plan.jobGraph);
    this.unfinished = this.placement.tasks.length;
    this.allFinished = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.allFinished.catch(() => undefined);
  }

  /** Runs the job to its end. Rejects with a MillraceError when it failed or was cancelled. */
  async run(): Promise<void> {
    try {
      this.state = "deploying";
      await this.openEnds();
      await Promise.race([this.deploy(), this.allFinished]);
      this.state = "running";
      await this.allFinished;
      this.state = "committing";
      await this.commit();
      await Promise.all(this.hosts.map((host) => host.control.close()));
      this.state = "finished";
    } catch (error) {
      this.state = MillraceError.is(error) && error.code === "JOB_CANCELLED" ? "cancelled" : "failed";
      await this.abort();
      throw error;
    } finally {
      this.watchdog?.stop();
      await Promise.allSettled([...this.enumerators.values()].map((each) => each.close()));
      await Promise.allSettled(this.hosts.map((host) => host.release()));
    }
  }

  /** Ends the job; what was not committed is thrown away. */
  cancel(reason = "the job was cancelled"): void {
    this.settle.reject(new MillraceError("JOB_CANCELLED", reason));
  }

  /** Ends the job with an error found outside of its slots. */
  fail(error: unknown): void {
    this.settle.reject(error);
  }

  /** The work of all sources, where they know it: done and in all. */
  total(): number | undefined {
    let total = 0;
    for (const enumerator of this.enumerators.values()) {
      if (enumerator.total === undefined) return undefined;
      total += enumerator.total;
    }
    return total;
  }

  /** Opens enumerators and committers: the coordinator's ends of sources and sinks. */
  private async openEnds(): Promise<void> {
    const { jobGraph, program } = this.given.plan;
    for (const vertex of jobGraph.vertices) {
      for (const node of vertex.operators) {
        const logic = program.logic.get(node.uid)!;
        const place_ = { job: jobGraph.job, operator: node.name };
        if ("source" in logic) {
          const { source } = logic as SourceLogic;
          const enumerator = source.createEnumerator({ ...place_, parallelism: vertex.parallelism });
          await enumerator.start();
          this.enumerators.set(vertex.id, enumerator);
        }
        if ("sink" in logic) {
          const { sink } = logic as unknown as { sink: SinkDefinition };
          const committer = sink.createCommitter?.({ ...place_, runId: this.given.runId, resumed: false });
          if (committer === undefined) continue;
          await committer.open();
          this.committers.set(node.uid, committer);
        }
      }
    }
  }

  private async deploy(): Promise<void> {
    const { launch, clock, scheduler, hangTimeoutMs } = this.given;
    const { slots, progress } = this.placement;
    const launched = Array.from({ length: slots }, async (_, slot) => {
      const host = await launch(slot, this.eventsOf(slot));
      this.hosts[slot] = host;
      host.failed.catch((error: unknown) => this.settle.reject(error));
      await host.control.deploy(this.deploymentOf(slot));
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
    await Promise.all(this.hosts.map((host) => host.control.start()));
  }

  private namesOf(slot: number): string {
    const { vertices } = this.given.plan.jobGraph;
    const running = this.placement.tasks.filter(
      (task) => this.placement.slotOf[task.vertex]![task.subtask] === slot,
    );
    return running.map((task) => `"${vertices[task.vertex]!.name}" subtask ${task.subtask}`).join(", ");
  }

  private deploymentOf(slot: number): Deployment {
    const { slotOf, tasks, rings, doorbells, progress, metrics } = this.placement;
    const { moduleUrl, params, options, fingerprint, runId, plan } = this.given;
    const { edges } = plan.jobGraph;
    return {
      moduleUrl,
      params,
      options,
      fingerprint,
      runId,
      slot,
      slotOf,
      doorbells,
      progress,
      metrics,
      tasks: tasks.filter((task) => slotOf[task.vertex]![task.subtask] === slot),
      rings: rings.filter(({ edge, from, to }) => {
        const { from: upstream, to: downstream } = edges[edge]!;
        return slotOf[upstream]![from] === slot || slotOf[downstream]![to] === slot;
      }),
    };
  }

  private eventsOf(slot: number): SlotEvents {
    return {
      requestSplits: (vertex, subtask) => {
        void this.giveSplits(slot, vertex, subtask).catch((error: unknown) => this.settle.reject(error));
      },
      rows: (uid, rows) => this.given.onRows(uid, rows),
      taskFinished: (_vertex, _subtask, committables) => {
        this.committables.push(...committables);
        if (--this.unfinished === 0) this.settle.resolve();
      },
      failed: (error) => this.settle.reject(fromData(error)),
    };
  }

  private async giveSplits(slot: number, vertex: number, subtask: number): Promise<void> {
    const splits = await this.enumerators.get(vertex)!.request(subtask);
    this.hosts[slot]?.control.addSplits(vertex, subtask, splits);
  }

  private async commit(): Promise<void> {
    for (const [uid, committer] of this.committers) {
      await committer.commit(
        this.committables.filter((each) => each.uid === uid).map((each) => each.committable),
      );
    }
  }

  /** Ends every slot and undoes what was not committed. A slot that does not answer is killed. */
  private async abort(): Promise<void> {
    const patience = new Promise<void>((resolve) => this.given.scheduler.after(300, resolve));
    const stopped = Promise.allSettled(this.hosts.map((host) => host?.control.stop()));
    await Promise.race([stopped, patience]);
    await Promise.allSettled(this.hosts.map((host) => host?.kill()));
    await Promise.allSettled([...this.committers.values()].map((committer) => committer.abort()));
  }
}
