/**
 * One run of a job from its start to its end: opens what the job has on the main thread, runs one attempt after
 * the other until one has finished, and decides after a failure whether and from where the job goes on. A failure
 * that concerns only a part of the job is left to region-failover.ts.
 *
 * States: created -> deploying -> running -> committing -> finished; running -> restarting -> deploying (or, when only
 *         a region was started again, running);
 *         from anywhere: failed | cancelled.
 */
import { MillraceError } from "../base/error.js";
import { type LoadedCheckpoint, loadCheckpoint } from "../checkpoint/load.js";
import { redistribute } from "../checkpoint/redistribution.js";
import type { CheckpointsOverview } from "../checkpoint/statistics.js";
import type { JobRestore } from "../checkpoint/task-restore.js";
import { BOUNDLESS, type Machine, planHosts } from "../planner/hosts.js";
import { keyGroupsOf } from "../planner/plan.js";
import type { TaskId } from "../protocol/deployment.js";
import type { Plan } from "../protocol/program.js";
import { Attempt } from "./attempt.js";
import { CheckpointCoordinator } from "./checkpoint-coordinator.js";
import { Committers, committablesToSettle } from "./committers.js";
import { FunctionReports } from "./function-reports.js";
import type { JobCoordinatorOptions, PlannedJob } from "./job-coordinator-options.js";
import { type Placement, place } from "./placement.js";
import { type AttemptOrigin, RegionFailover } from "./region-failover.js";
import { isFatal } from "./restartable.js";
import { SplitGivers } from "./split-givers.js";

export type JobState =
  | "created"
  | "deploying"
  | "running"
  | "committing"
  | "restarting"
  | "finished"
  | "failed"
  | "cancelled";

interface Rescaling {
  readonly planned: PlannedJob;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Attempts of one coordinator, so that those of the next one, after the process has died, have other numbers. */
const ATTEMPTS_PER_EPOCH = 1_000_000;

export class JobCoordinator {
  state: JobState = "created";
  /** Restarts so far. */
  restarts = 0;
  private readonly given: JobCoordinatorOptions;
  private planned: PlannedJob;
  private machine: Machine | undefined;
  /** The plan to go on with, and who waits for it. */
  private rescaling: Rescaling | undefined;
  /** Who waits for the tasks to run with the plan that was taken over. */
  private rescaled: Rescaling | undefined;
  private readonly committers = new Committers();
  private hasOpenSinks = false;
  /** The run does not fit its own checkpoint: that stays, with all it names, for a program that does. */
  private misfit: unknown;
  private readonly checkpoints: CheckpointCoordinator | undefined;
  private readonly unplaced: Placement;
  private attempt: Attempt | undefined;
  private failover: RegionFailover | undefined;
  private sources: SplitGivers;
  /** Of the attempt that runs, or of the last one. */
  readonly functions = new FunctionReports();
  /** What ended the last attempt. */
  private failure: unknown;
  /** What ended the job from outside of its attempts. */
  private ending: unknown;
  private endWait: () => void = () => undefined;

  constructor(given: JobCoordinatorOptions) {
    this.given = given;
    this.planned = given.planned;
    this.machine = given.machine;
    this.unplaced = place(this.plan.jobGraph, given.ringBytes, given.machine);
    this.sources = new SplitGivers(this.plan);
    const { checkpoints, clock, scheduler, random } = given;
    if (checkpoints === undefined) return;
    this.checkpoints = new CheckpointCoordinator({
      ...checkpoints,
      graph: () => this.plan.jobGraph,
      clock,
      scheduler,
      random,
      committers: this.committers,
      openFolder: given.openFolder,
      onCompleted: given.onCompleted,
      onFailed: (error) => this.attempt?.fail(error),
    });
  }

  /** As the job runs now: rescaling changes it. */
  get plan(): Plan {
    return this.planned.plan;
  }

  /** Of operators that do not say their own. */
  get parallelism(): number {
    return this.planned.options.parallelism;
  }

  get placement(): Placement {
    return this.attempt?.placement ?? this.unplaced;
  }

  /** Runs the job to its end. Rejects with a MillraceError when it failed or was cancelled. */
  async run(): Promise<void> {
    const { checkpoints } = this.given;
    try {
      await this.runAttempts();
      await checkpoints?.store.end("finished", checkpoints.settings.retention);
      this.state = "finished";
    } catch (error) {
      for (const each of [this.rescaling, this.rescaled]) each?.failed(error);
      const isCancelled = MillraceError.is(error) && error.code === "JOB_CANCELLED";
      this.state = isCancelled ? "cancelled" : "failed";
      if (error === this.misfit) throw error;
      await this.committers.abort();
      const outcome = isCancelled ? "cancelled" : "failed";
      await checkpoints?.store.end(outcome, checkpoints.settings.retention).catch(() => undefined);
      throw error;
    }
  }

  /** Ends the job; what was not committed is thrown away. */
  cancel(reason = "the job was cancelled"): void {
    this.fail(new MillraceError("JOB_CANCELLED", reason));
  }

  /** Ends the job with an error found outside of its slots. */
  fail(error: unknown): void {
    this.ending ??= error;
    this.attempt?.fail(error);
    this.endWait();
  }

  /** An earlier process began this run. It may have died before its first checkpoint. */
  private get isResumed(): boolean {
    return (this.given.checkpoints?.store.epoch ?? 1) > 1;
  }

  isSource(vertex: number): boolean {
    return this.sources.isSource(vertex);
  }

  /** The work of all sources, where they know it. */
  total(): number | undefined {
    return this.sources.total();
  }

  statistics(): CheckpointsOverview | undefined {
    return this.checkpoints?.statistics.overview();
  }

  /** Writes a savepoint below `folder`, maybe to stop the job behind it; answers its path. */
  async savepoint(purpose: "savepoint" | "stop" | "terminate", folder: string): Promise<string> {
    if (this.checkpoints === undefined) throw this.takesNone();
    return this.checkpoints.savepoint(purpose, folder);
  }

  /**
   * Takes a checkpoint and goes on from it with another parallelism, and with what the machine is now. Answers when
   * the tasks run again: for how many ms no record was processed. One at a time.
   */
  async rescale(parallelism: number, machine = this.machine): Promise<number> {
    if (this.checkpoints === undefined) throw this.takesNone();
    const planned = await this.given.replan(parallelism, keyGroupsOf(this.plan));
    await this.given.prepare?.(planHosts(planned.plan.jobGraph, machine ?? BOUNDLESS).hosts);
    await this.checkpoints.checkpoint();
    const { attempt } = this;
    await this.refuseMisfit(planned.plan);
    const from = this.given.clock.steady();
    await new Promise<void>((resolve, reject) => {
      if (this.ending !== undefined || this.state !== "running" || attempt !== this.attempt) {
        reject(
          new MillraceError("CHECKPOINT_FAILED", "the job has ended or failed before it could be rescaled"),
        );
        return;
      }
      this.machine = machine;
      this.rescaling = { planned, done: resolve, failed: reject };
      attempt?.fail(new MillraceError("JOB_CANCELLED", "the job goes on with another parallelism"));
    });
    return this.given.clock.steady() - from;
  }

  /** Throws when the last checkpoint does not fit the plan: the job still runs. Else no other is taken any more. */
  private async refuseMisfit(plan: Plan): Promise<void> {
    await this.checkpoints?.suspend();
    try {
      this.restoreOf(await this.findOrigin(), plan);
    } catch (error) {
      this.checkpoints?.resume();
      throw error;
    }
  }

  private takesNone(): MillraceError {
    return new MillraceError("CHECKPOINTS_OFF", `job "${this.plan.jobGraph.job}" takes no checkpoints`);
  }

  private async runAttempts(): Promise<void> {
    const { restart, clock, random } = this.given;
    for (let number = 1; ; number++) {
      try {
        await this.runAttempt(number);
        return;
      } catch (error) {
        if (this.ending !== undefined) throw this.ending;
        // Nothing was left to do but to end: whoever stopped the job has its savepoint and may go on from there.
        if (this.checkpoints?.stopped === true) return;
        if (this.rescaling !== undefined) {
          this.planned = this.rescaling.planned;
          // From here on failures are those of the job.
          this.rescaled = this.rescaling;
          this.rescaling = undefined;
          continue;
        }
        if (isFatal(error)) throw error;
        this.failure = error;
        // Else it was counted when a region was to be started again for it.
        const decision = this.failover?.decision;
        if (decision === undefined || decision.error !== error) {
          const delay = restart.onFailure(clock.steady(), random);
          if (delay === undefined) throw error;
          this.state = "restarting";
          this.restarts++;
          await this.wait(delay);
        } else if (decision.delayMs === undefined) throw error;
        if (this.ending !== undefined) throw this.ending;
      }
    }
  }

  private async runAttempt(number: number): Promise<void> {
    this.state = "deploying";
    const { checkpoints } = this.given;
    this.checkpoints?.reset();
    this.failover = undefined;
    this.sources = new SplitGivers(this.plan);
    const sources = this.sources;
    let attempt: Attempt | undefined;
    try {
      // Nothing outside of the job is touched before it is known that the checkpoint fits.
      const origin = await this.findOrigin();
      const restore = this.fit(origin);
      await this.openSinks();
      if (origin !== undefined || number > 1 || this.isResumed) {
        this.given.onRecovery(this.failure, origin);
        await this.settleSinks(restore);
      }
      if (number > 1) this.settleRows(origin);
      await sources.open(new Map(restore?.enumerators.map(({ uid, state }) => [uid, state])));
      attempt = this.newAttempt(number, sources, origin, restore);
      this.attempt = attempt;
      this.failover = this.failoverOf(attempt, sources, { loaded: origin, restores: restore?.tasks ?? [] });
      if (this.ending !== undefined) throw this.ending;
      await attempt.deploy();
      this.state = "running";
      const finished = attempt.run();
      this.checkpoints?.begin(attempt, sources);
      this.rescaled?.done();
      this.rescaled = undefined;
      await finished;
      await this.checkpoints?.end("job-ended");
      this.state = "committing";
      if (checkpoints === undefined) await this.commitAll(attempt);
      await attempt.close();
    } catch (error) {
      await this.checkpoints?.end("job-failed");
      await this.failover?.settled();
      await attempt?.abort();
      throw error;
    } finally {
      await sources.close();
      for (const each of attempt?.numbers ?? []) await this.given.onAttemptEnded?.(each);
    }
  }

  /** The checkpoint to go on from: the newest of this run, or the one the run was begun with. */
  private async findOrigin(): Promise<LoadedCheckpoint | undefined> {
    const { checkpoints, origin } = this.given;
    const latest = await checkpoints?.store.latest();
    if (latest !== undefined) return latest;
    return origin === undefined ? undefined : loadCheckpoint(origin.store, origin.path);
  }

  /** What the job's subtasks load. Throws when the checkpoint does not fit the job. */
  private fit(origin: LoadedCheckpoint | undefined): JobRestore | undefined {
    try {
      return this.restoreOf(origin, this.plan);
    } catch (error) {
      if (origin?.manifest.jobId === this.given.runId) this.misfit = error;
      throw error;
    }
  }

  private restoreOf(origin: LoadedCheckpoint | undefined, { jobGraph }: Plan): JobRestore | undefined {
    const { allowNonRestoredState } = this.given;
    return origin && redistribute(origin.manifest, jobGraph, { allowNonRestoredState });
  }

  /** Once: a sink that cannot be opened is no reason to try again. */
  private async openSinks(): Promise<void> {
    if (this.hasOpenSinks) return;
    this.hasOpenSinks = true;
    try {
      // A run that begins with a savepoint goes on with what another has written.
      const isResumed = this.isResumed || this.given.origin !== undefined;
      await this.committers.open(this.plan, this.given.runId, isResumed);
    } catch (error) {
      this.ending ??= error;
      throw error;
    }
  }

  private async settleSinks(restore: JobRestore | undefined): Promise<void> {
    if (restore !== undefined) await this.committers.commit(committablesToSettle(restore));
    await this.committers.cleanUp();
  }

  /** A checkpoint may have become durable without being told of: its rows do not come again. */
  private settleRows(origin: LoadedCheckpoint | undefined): void {
    const { runId, onCompleted, onRestart } = this.given;
    if (origin?.manifest.jobId === runId) onCompleted(origin.manifest.checkpoint);
    onRestart();
  }

  private newAttempt(
    number: number,
    sources: SplitGivers,
    origin: LoadedCheckpoint | undefined,
    restore: JobRestore | undefined,
  ): Attempt {
    const { given, checkpoints } = this;
    this.functions.forget();
    if (origin !== undefined) {
      this.countRestored(origin);
      given.checkpoints?.store.countAfter(origin.manifest.checkpoint);
    }
    const store = given.checkpoints?.store;
    return new Attempt({
      ...given,
      ...this.planned,
      ...(this.machine === undefined ? {} : { machine: this.machine }),
      sources,
      number: Math.max(
        ((store?.epoch ?? 1) - 1) * ATTEMPTS_PER_EPOCH + number,
        (origin?.manifest.attempt ?? 0) + 1,
        (this.attempt?.number ?? 0) + 1,
      ),
      checkpoints:
        store === undefined
          ? undefined
          : { store: store.store.location, jobId: store.jobId, epoch: store.epoch },
      origin: {
        restores: restore?.tasks ?? [],
        restoreFrom: origin?.location,
        checkpoint: origin?.manifest.checkpoint ?? 0,
      },
      events: {
        rows: given.onRows,
        acknowledged: (checkpoint, snapshot) => checkpoints?.acknowledged(checkpoint, snapshot),
        declined: (checkpoint, task, error) => checkpoints?.declined(checkpoint, task, error),
        dataEnded: (task) => checkpoints?.taskDataEnded(task),
        functionsReported: (task, report) => this.functions.take(task, report),
        taskFinished: (task) => checkpoints?.taskFinished(task),
        regionFailed: (region, error) => this.failover?.take(region, error) ?? false,
      },
    });
  }

  /** Jobs without checkpoints fail as a whole. */
  private failoverOf(
    attempt: Attempt,
    sources: SplitGivers,
    origin: AttemptOrigin,
  ): RegionFailover | undefined {
    const { given, checkpoints } = this;
    if (checkpoints === undefined) return undefined;
    return new RegionFailover({
      ...given,
      plan: this.plan,
      attempt,
      sources,
      committers: this.committers,
      checkpoints,
      origin,
      findOrigin: () => this.findOrigin(),
      events: {
        mayRestart: () =>
          this.state === "running" && this.ending === undefined && this.rescaling === undefined,
        ended: async (number) => given.onAttemptEnded?.(number),
        restarting: () => {
          this.state = "restarting";
          this.restarts++;
        },
        recovering: (region, failure, loaded) => {
          if (loaded !== undefined) this.countRestored(loaded, region.tasks);
          given.onRecovery(failure, loaded, region.tasks);
          given.onRestart(region.slots);
          this.functions.forget(region.tasks);
        },
        restarted: () => {
          this.state = "running";
        },
      },
    });
  }

  private countRestored({ manifest, path }: LoadedCheckpoint, tasks?: readonly TaskId[]): void {
    const { checkpoint, purpose } = manifest;
    this.checkpoints?.statistics.onRestored(checkpoint, purpose, this.given.clock.now(), path, tasks);
  }

  /** Without checkpoints everything is committed at once, when every task has finished. */
  private async commitAll({ committables }: Attempt): Promise<void> {
    const byUid = new Map<string, Readonly<Record<string, unknown>>[]>();
    for (const { uid, committable } of committables) byUid.set(uid, [...(byUid.get(uid) ?? []), committable]);
    await this.committers.commit(byUid);
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.given.scheduler.after(ms, resolve);
      this.endWait = () => {
        cancel();
        resolve();
      };
    });
  }
}
