/**
 * Failover of a region: when something in it fails, its slots are ended and started again from the last completed
 * checkpoint, while the other regions go on as if nothing had been. The order is everything:
 *
 * 1. its slots end, and with them all that they could still say; checkpoints under way are given up, those that
 *    are complete are committed; no other is begun until the region runs again;
 * 2. requests for splits that it had made are answered, and the answers go back;
 * 3. splits it got behind the checkpoint go back, what its sinks left is removed, its rows are forgotten;
 * 4. its slots start anew, as another run with a number of its own.
 *
 * The whole job begins anew instead, with the failure of the region, when
 * - there is only one region, or no checkpoint is taken;
 * - the job is being deployed, stopped or rescaled, another region is being started again, or all is done but to end;
 * - a source of the region cannot take splits back, or a sink cannot clean up after some of its writers;
 * - it has union state, or the checkpoint to go on from is not the last one that was completed and committed;
 * - an enumerator does not answer.
 * What fails in 3 and 4 fails the job, as a failure of its own.
 */
import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import type { Scheduler } from "../base/scheduler.js";
import { within } from "../base/time-limit.js";
import type { LoadedCheckpoint } from "../checkpoint/load.js";
import { restoreRegion } from "../checkpoint/region-restore.js";
import type { RestartStrategy } from "../checkpoint/restart-strategy.js";
import type { TaskRestore } from "../checkpoint/task-restore.js";
import type { Plan } from "../protocol/program.js";
import type { Attempt } from "./attempt.js";
import type { CheckpointCoordinator } from "./checkpoint-coordinator.js";
import type { Committers } from "./committers.js";
import type { Region } from "./regions.js";
import { isFatal } from "./restartable.js";
import type { SplitGivers } from "./split-givers.js";

/** How long enumerators may take to answer what a failed region has asked, ms. */
const ANSWER_PATIENCE_MS = 5000;

/** Where the attempt began. */
export interface AttemptOrigin {
  readonly loaded: LoadedCheckpoint | undefined;
  readonly restores: readonly TaskRestore[];
}

export interface RegionFailoverOptions {
  readonly plan: Plan;
  readonly attempt: Attempt;
  readonly sources: SplitGivers;
  readonly committers: Committers;
  readonly checkpoints: CheckpointCoordinator;
  readonly restart: RestartStrategy;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly origin: AttemptOrigin;
  /** The checkpoint that the job would go on from now. */
  readonly findOrigin: () => Promise<LoadedCheckpoint | undefined>;
  readonly events: RegionFailoverEvents;
}

export interface RegionFailoverEvents {
  /** The job may go on in parts now: it runs, and nobody wants to change that. */
  mayRestart(): boolean;
  /** Nothing of this number runs any more. */
  ended(number: number): Promise<void>;
  /** A region will be started again. */
  restarting(): void;
  /** It is about to begin: its rows that were not given out come again. */
  recovering(region: Region, failure: unknown, origin: LoadedCheckpoint | undefined): void;
  restarted(): void;
}

/** What the restart strategy has said to a failure. */
export interface RestartDecision {
  readonly error: unknown;
  /** Undefined: it is not restarted. */
  readonly delayMs: number | undefined;
}

export class RegionFailover {
  /** The last one: who restarts the whole job for the same failure does not ask again. */
  decision: RestartDecision | undefined;
  private readonly given: RegionFailoverOptions;
  private failed: Region | undefined;
  private recovery: Promise<void> = Promise.resolve();

  constructor(given: RegionFailoverOptions) {
    this.given = given;
  }

  /** Starts a region again that has failed; false when the whole job has to. */
  take(region: Region, error: unknown): boolean {
    if (!this.maySplit(region, error)) return false;
    this.failed = region;
    this.recovery = this.recover(region, error)
      .catch((reason: unknown) => this.given.attempt.fail(reason))
      .finally(() => {
        this.failed = undefined;
      });
    return true;
  }

  /** Nothing is done any more; to be called when the attempt has failed. */
  settled(): Promise<void> {
    return this.recovery;
  }

  private maySplit(region: Region, error: unknown): boolean {
    const { attempt, checkpoints, events, sources, committers } = this.given;
    return (
      attempt.regions.length > 1 &&
      this.failed === undefined &&
      !isFatal(error) &&
      events.mayRestart() &&
      checkpoints.maySuspend &&
      sources.canTakeBack(region.tasks) &&
      committers.canCleanUpAfter([...this.subtasksByUid(region).keys()])
    );
  }

  private async recover(region: Region, error: unknown): Promise<void> {
    const { attempt, checkpoints, sources, scheduler, events, committers } = this.given;
    const [number] = await Promise.all([attempt.endRegion(region), checkpoints.suspend()]);
    // The first one is shared by the regions that have not failed.
    if (number !== attempt.numbers[0]) await events.ended(number);
    const isSettled = within(ANSWER_PATIENCE_MS, sources.settled(region.tasks), scheduler);
    if (!(await attempt.unlessFailed(isSettled)) || checkpoints.isEnding) throw error;
    const origin = await attempt.unlessFailed(this.originOf(region));
    if (origin === undefined) throw error;
    await this.pause(error);
    sources.takeBack(region.tasks);
    for (const [uid, subtasks] of this.subtasksByUid(region)) {
      await committers.cleanUpAfter(uid, { attempt: number, subtasks });
    }
    await attempt.unlessFailed(Promise.resolve());
    checkpoints.forget(region.tasks);
    const { loaded, restores } = origin;
    events.recovering(region, error, loaded);
    await attempt.restartRegion(region, {
      restores,
      restoreFrom: loaded?.location,
      checkpoint: loaded?.manifest.checkpoint ?? 0,
    });
    checkpoints.resume();
    events.restarted();
  }

  /** As the restart strategy says. Throws what had failed when that has to be enough. */
  private async pause(error: unknown): Promise<void> {
    const { attempt, restart, clock, random, scheduler, events } = this.given;
    const delayMs = restart.onFailure(clock.steady(), random);
    this.decision = { error, delayMs };
    if (delayMs === undefined) throw error;
    events.restarting();
    await attempt.unlessFailed(
      new Promise<void>((resolve) => {
        scheduler.after(delayMs, resolve);
      }),
    );
  }

  /** What the region goes on from; undefined when it cannot do so by itself. */
  private async originOf({ tasks }: Region): Promise<AttemptOrigin | undefined> {
    const { checkpoints, origin, findOrigin, plan } = this.given;
    const loaded = await findOrigin();
    const { lastCompleted } = checkpoints;
    const isOwn = (restore: TaskRestore) =>
      tasks.some(({ vertex, subtask }) => vertex === restore.vertex && subtask === restore.subtask);
    if (lastCompleted === 0) {
      const isSame = loaded?.path === origin.loaded?.path;
      return isSame ? { loaded, restores: origin.restores.filter(isOwn) } : undefined;
    }
    if (loaded?.manifest.checkpoint !== lastCompleted) return undefined;
    const restores = restoreRegion(loaded.manifest, plan.jobGraph, tasks);
    return restores === undefined ? undefined : { loaded, restores };
  }

  private subtasksByUid({ tasks }: Region): Map<string, number[]> {
    const found = new Map<string, number[]>();
    for (const { vertex, subtask } of tasks) {
      for (const { uid } of this.given.plan.jobGraph.vertices[vertex]!.operators) {
        found.set(uid, [...(found.get(uid) ?? []), subtask]);
      }
    }
    return found;
  }
}
