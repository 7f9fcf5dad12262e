/**
 * Takes the checkpoints of a job: decides when, tells the tasks, gathers their snapshots, makes the whole durable,
 * has the sinks committed, and only then says that it is complete. What to do is decided by the pure parts in
 * checkpoint/ (requests, plan, failures); this file carries it out.
 *
 * One coordinator lives as long as the job; attempts come and go (`begin`, `end`).
 */
import type { Clock } from "../base/clock.js";
import { MillraceError } from "../base/error.js";
import type { Random } from "../base/random.js";
import type { Scheduler } from "../base/scheduler.js";
import { within } from "../base/time-limit.js";
import type { Barrier } from "../checkpoint/barrier.js";
import { partlyFinishedUnion, planCheckpoint } from "../checkpoint/checkpoint-plan.js";
import type { CheckpointStore } from "../checkpoint/checkpoint-store.js";
import { FailureCounter, type FailureReason, failureReasons } from "../checkpoint/failures.js";
import {
  firstTriggerDelay,
  periodicSchedule,
  type RequestDecision,
  RequestQueue,
} from "../checkpoint/requests.js";
import type { Manifest, TaskSnapshot } from "../checkpoint/snapshot.js";
import { CheckpointStatistics } from "../checkpoint/statistics.js";
import type { JobGraph } from "../graph/job-graph.js";
import type { TaskId } from "../protocol/deployment.js";
import type { BlobStore } from "../storage/contract.js";
import { placeIn } from "../storage/location.js";
import type { Attempt } from "./attempt.js";
import { declineReason, endsJob, nameOf, type Pending, type Request } from "./checkpoint-request.js";
import type { CheckpointSettings } from "./checkpoint-settings.js";
import { type Committers, committablesOf } from "./committers.js";
import { manifestOf } from "./manifest.js";
import type { SplitGivers } from "./split-givers.js";

/** From a final checkpoint that has failed to the next one, ms. */
const FINAL_REST_MS = 100;

export interface CheckpointCoordinatorOptions {
  /** The job graph as it runs now. */
  readonly graph: () => JobGraph;
  readonly store: CheckpointStore;
  readonly settings: CheckpointSettings;
  readonly committers: Committers;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Opens the store that savepoints below a folder go to. */
  readonly openFolder: (folder: string) => BlobStore;
  /** A checkpoint is complete and committed. */
  readonly onCompleted: (checkpoint: number) => void;
  /** The job has to fail: too many checkpoints did, or what is durable could not be committed. */
  readonly onFailed: (error: unknown) => void;
}

export class CheckpointCoordinator {
  readonly statistics = new CheckpointStatistics();
  /** The job was stopped: its savepoint is complete and committed, whatever becomes of the tasks that end. */
  stopped = false;
  private readonly given: CheckpointCoordinatorOptions;
  private readonly queue: RequestQueue<Request>;
  private readonly failures: FailureCounter;
  private readonly pending = new Map<number, Pending>();
  private attempt: Attempt | undefined;
  private sources: SplitGivers | undefined;
  private finished = new Set<string>();
  private dataEnded = new Set<string>();
  private triggering = false;
  /** A region is being started again: requests wait for it. */
  private suspended = false;
  /** A savepoint that ends the job is under way: no checkpoint comes behind it. */
  private stopping = false;
  private lastCompletion: number | undefined;
  /** The last complete one of this attempt: what deltas may build on, and regions that fail go on from. */
  lastCompleted = 0;
  /** The first checkpoint triggered after all tasks had processed all of their input. */
  private finalFrom = Number.POSITIVE_INFINITY;
  private finalAsked: Request | undefined;
  /** It has failed: it is asked for again after a while, or failures would be used up in no time. */
  private finalRests = false;
  private cancelRest: () => void = () => undefined;
  /** A checkpoint is complete in which every task had processed all of its input, or a stop: the job ends. */
  private finalDone = false;
  private periodicWaits = false;
  private cancelTimer: () => void = () => undefined;
  /** Acknowledged by all tasks, and not completed yet. */
  private unstored = 0;
  /** Completions, one after the other. */
  private completing: Promise<void> = Promise.resolve();

  constructor(given: CheckpointCoordinatorOptions) {
    this.given = given;
    this.queue = new RequestQueue<Request>(given.settings);
    this.failures = new FailureCounter(given.settings.tolerableFailures);
  }

  /** The tasks of an attempt run. */
  begin(attempt: Attempt, sources: SplitGivers): void {
    this.attempt = attempt;
    this.sources = sources;
    const { intervalMs, minPauseMs } = this.given.settings;
    if (intervalMs !== undefined) {
      const schedule = periodicSchedule(intervalMs, minPauseMs);
      this.schedule(firstTriggerDelay(schedule, this.given.random), schedule.intervalMs);
    }
    this.wantFinal();
  }

  /** Before an attempt: what its tasks will say counts from here. */
  reset(): void {
    this.finished = new Set();
    this.dataEnded = new Set();
    this.lastCompleted = 0;
    this.periodicWaits = false;
    this.finalDone = false;
    this.stopping = false;
    this.suspended = false;
    this.cancelRest();
    this.finalRests = false;
    this.finalFrom = Number.POSITIVE_INFINITY;
    // One of the attempt before may never come back: its sources are closed.
    this.triggering = false;
    this.finalAsked = undefined;
  }

  /** The attempt is over; what was being taken is given up. Resolves when nothing is being completed any more. */
  async end(reason: FailureReason): Promise<void> {
    this.cancelTimer();
    this.cancelRest();
    const { attempt } = this;
    this.attempt = undefined;
    for (const request of this.queue.takeAll()) this.refuse(request, reason);
    for (const each of [...this.pending.values()]) this.fail(each, reason, undefined, attempt);
    await this.completing;
  }

  /** Whether a part of the job may fail by itself: tasks that the stop of a job has reached cannot go on. */
  get maySuspend(): boolean {
    return this.attempt !== undefined && !this.suspended && !this.isEnding;
  }

  /** The job is being stopped, or nothing is left to do but to end. */
  get isEnding(): boolean {
    return this.stopping || this.finalDone;
  }

  /**
   * Some tasks have failed and are started again: gives up what is being taken, and triggers nothing until `resume`.
   * Resolves when nothing is being completed any more: from here on `lastCompleted` stands.
   */
  async suspend(): Promise<void> {
    this.suspended = true;
    for (const each of [...this.pending.values()]) this.fail(each, "task-failed");
    await this.completing;
  }

  /** What these tasks have said does not count any more: they begin anew behind `lastCompleted`. */
  forget(tasks: readonly TaskId[]): void {
    for (const name of tasks.map(nameOf)) {
      this.finished.delete(name);
      this.dataEnded.delete(name);
    }
    this.finalFrom = Number.POSITIVE_INFINITY;
  }

  /** All tasks run again. */
  resume(): void {
    this.suspended = false;
    this.decide();
  }

  /** Asks for a savepoint below `folder`, maybe to stop the job with it; resolves with its path. */
  savepoint(purpose: Exclude<Barrier["purpose"], "checkpoint">, folder: string): Promise<string> {
    return new Promise((done, failed) => {
      const timestamp = this.given.clock.now();
      this.ask({ purpose, periodic: false, forced: false, timestamp, folder, done, failed });
    });
  }

  /** Asks for a checkpoint now, without records in flight in it; resolves when it is complete. */
  checkpoint(): Promise<void> {
    return new Promise((resolve, failed) => {
      const timestamp = this.given.clock.now();
      const done = () => resolve();
      const request = { purpose: "checkpoint", periodic: false, forced: false, aligned: true } as const;
      this.ask({ ...request, timestamp, done, failed });
    });
  }

  acknowledged(checkpoint: number, snapshot: TaskSnapshot): void {
    this.statistics.onAcknowledged(checkpoint, snapshot, this.given.clock.now());
    const pending = this.pending.get(checkpoint);
    // A task that was to end may still have met the barrier: what it had was in the checkpoint that ends it.
    const isAwaited = pending?.plan.waitFor.some((task) => nameOf(task) === nameOf(snapshot)) === true;
    if (pending === undefined || !isAwaited) return;
    pending.snapshots.set(nameOf(snapshot), snapshot);
    if (pending.snapshots.size < pending.plan.waitFor.length) return;
    this.pending.delete(checkpoint);
    pending.cancelTimeout();
    this.unstored++;
    this.completing = this.completing
      .then(() => this.complete(pending))
      .catch((error: unknown) => this.given.onFailed(error))
      .finally(() => {
        this.unstored--;
        this.decide();
      });
  }

  declined(checkpoint: number, _task: TaskId, error: MillraceError): void {
    const pending = this.pending.get(checkpoint);
    if (pending !== undefined) this.fail(pending, declineReason(error), error);
  }

  taskDataEnded(task: TaskId): void {
    this.dataEnded.add(nameOf(task));
    this.wantFinal();
  }

  taskFinished(task: TaskId): void {
    const name = nameOf(task);
    this.finished.add(name);
    for (const pending of [...this.pending.values()]) {
      const isAwaited = pending.plan.waitFor.some((each) => nameOf(each) === name);
      if (isAwaited && !pending.snapshots.has(name)) this.fail(pending, "declined-closing");
    }
  }

  private schedule(delayMs: number, intervalMs: number): void {
    this.cancelTimer();
    this.cancelTimer = this.given.scheduler.after(delayMs, () => {
      this.schedule(intervalMs, intervalMs);
      // One that waits already stands for all that would wait behind it.
      if (this.periodicWaits || this.finalDone) return;
      const timestamp = this.given.clock.now();
      this.ask({ purpose: "checkpoint", periodic: true, forced: false, timestamp });
    });
  }

  /**
   * When all tasks have processed all of their input, the final checkpoint is not waited for but asked for. Not
   * when only the sources have: unaligned, it would find records in flight, again and again.
   */
  private wantFinal(): void {
    if (this.attempt === undefined || this.finalDone || this.finalRests) return;
    const isAsked = [...this.pending.keys()].some((id) => id >= this.finalFrom);
    if (isAsked || this.finalAsked !== undefined || !this.allDataEnded()) return;
    const timestamp = this.given.clock.now();
    this.finalAsked = { purpose: "checkpoint", periodic: false, forced: false, timestamp };
    this.ask(this.finalAsked);
  }

  private allDataEnded(): boolean {
    const { vertices } = this.given.graph();
    return vertices.every(({ id: vertex, parallelism }) => {
      return Array.from({ length: parallelism }, (_, subtask) => nameOf({ vertex, subtask })).every(
        (name) => this.dataEnded.has(name) || this.finished.has(name),
      );
    });
  }

  private ask(request: Request): void {
    if (this.attempt === undefined || this.finalDone) {
      this.refuse(request, this.finalDone ? "job-ended" : "tasks-not-running");
      return;
    }
    const decision = this.queue.add(request, this.facts());
    if (request.periodic) this.periodicWaits = true;
    this.carryOut(decision);
  }

  private facts() {
    return {
      triggering: this.triggering || this.stopping || this.suspended,
      // Until its manifest is there a checkpoint is under way: else a slow store would fall ever further behind.
      pending: this.pending.size + this.unstored,
      cleaning: 0,
      now: this.given.clock.steady(),
      lastCompletion: this.lastCompletion,
    };
  }

  private carryOut({ run, refused, periodicAt }: RequestDecision<Request>): void {
    for (const { request, reason } of refused) this.refuse(request, reason);
    if (run?.periodic === true) this.periodicWaits = false;
    if (run !== undefined) void this.trigger(run);
    const { intervalMs, minPauseMs } = this.given.settings;
    if (periodicAt === undefined || intervalMs === undefined) return;
    const delay = Math.max(0, periodicAt - this.given.clock.steady());
    this.schedule(delay, periodicSchedule(intervalMs, minPauseMs).intervalMs);
  }

  /** Something has ended: is there a request that may run now? */
  private decide(): void {
    this.wantFinal();
    if (this.attempt !== undefined) this.carryOut(this.queue.next(this.facts()));
  }

  private refuse(request: Request, reason: FailureReason): void {
    if (request === this.finalAsked) this.finalAsked = undefined;
    if (request.periodic) this.periodicWaits = false;
    request.failed?.(new MillraceError("CHECKPOINT_FAILED", failureReasons[reason].text));
    const { purpose } = request;
    const error = this.failures.onFailure({ reason, checkpoint: undefined, purpose, atTask: false });
    if (error !== undefined) this.given.onFailed(error);
  }

  private async trigger(request: Request): Promise<void> {
    const { store, clock, scheduler, settings } = this.given;
    const { attempt, sources } = this;
    this.triggering = true;
    this.stopping = endsJob(request);
    const id = store.begin();
    const timestamp = clock.now();
    const deadline = clock.steady() + settings.timeoutMs;
    try {
      if (!(await this.settle(sources!, deadline))) {
        if (attempt === this.attempt) this.statistics.onTriggered(id, request.purpose, timestamp, []);
        this.untriggered(id, request, attempt === this.attempt ? "expired" : "tasks-not-running");
        return;
      }
      // From here to the triggers nothing may come between: splits given out later are in neither snapshot.
      if (attempt === undefined || attempt !== this.attempt || this.suspended) {
        this.untriggered(id, request, "tasks-not-running");
        return;
      }
      const decided = planCheckpoint(this.given.graph(), (vertex, subtask) =>
        this.finished.has(nameOf({ vertex, subtask })) ? "finished" : "running",
      );
      if ("notRunning" in decided) {
        this.untriggered(id, request, "tasks-not-running");
        return;
      }
      this.statistics.onTriggered(id, request.purpose, timestamp, decided.waitFor);
      const enumerators = sources!.snapshot(id);
      if (this.finalFrom === Number.POSITIVE_INFINITY && this.allDataEnded()) this.finalFrom = id;
      const isPlain = request.purpose === "checkpoint" && request.aligned !== true;
      const barrier: Barrier = {
        id,
        timestamp,
        purpose: request.purpose,
        alignment: isPlain || settings.alignment === "at-least-once" ? settings.alignment : "aligned",
        alignedTimeoutMs: isPlain ? settings.alignedTimeoutMs : 0,
        completed: this.lastCompleted,
      };
      const pending: Pending = {
        id,
        request,
        timestamp,
        attempt: attempt.number,
        plan: decided,
        enumerators,
        snapshots: new Map(),
        cancelTimeout: scheduler.after(deadline - clock.steady(), () => this.fail(pending, "expired")),
      };
      this.pending.set(id, pending);
      attempt.trigger(barrier, decided.trigger);
    } catch {
      this.untriggered(id, request, attempt === this.attempt ? "trigger-failed" : "tasks-not-running");
    } finally {
      if (request === this.finalAsked) this.finalAsked = undefined;
      if (attempt === this.attempt) {
        this.triggering = false;
        this.decide();
      }
    }
  }

  /** No split is on its way to a reader; false when that is not so in time. */
  private async settle(sources: SplitGivers, deadline: number): Promise<boolean> {
    const { clock, scheduler } = this.given;
    do {
      if (!(await within(deadline - clock.steady(), sources.settled(), scheduler))) return false;
      // What came in meanwhile may have been asked for.
    } while (!sources.isSettled);
    return true;
  }

  private untriggered(id: number, request: Request, reason: FailureReason): void {
    const { store, clock } = this.given;
    if (endsJob(request)) this.stopping = false;
    void store.abort(id);
    this.statistics.onFailed(id, failureReasons[reason].text, clock.now());
    this.refuse(request, reason);
  }

  private async complete(pending: Pending): Promise<void> {
    const { id, request } = pending;
    const { store, committers, clock } = this.given;
    const graph = this.given.graph();
    const snapshots = [...pending.snapshots.values()];
    const union = partlyFinishedUnion(graph, pending.plan, snapshots);
    if (union !== undefined) {
      this.fail(pending, "union-partly-finished");
      return;
    }
    const manifest = manifestOf(graph, store.jobId, {
      ...pending,
      purpose: request.purpose,
      snapshots,
    });
    let path: string;
    try {
      if (request.purpose === "checkpoint") path = await store.complete(manifest);
      else path = await this.writeSavepoint(manifest, request.folder!);
      // What it names is about to be committed: after a failure the job goes on from here, from nothing before.
      if (endsJob(request)) await store.complete(manifest);
    } catch (error) {
      // First: no other attempt of this coordinator may follow, which a failed checkpoint as such would begin.
      if (MillraceError.is(error) && error.code === "CHECKPOINT_FENCED") this.given.onFailed(error);
      this.fail(pending, "complete-failed", error);
      return;
    }
    this.statistics.onCompleted(id, path);
    try {
      // A plain savepoint is a copy: the job goes on and commits with its own checkpoints.
      if (request.purpose !== "savepoint") await committers.commit(committablesOf(manifest));
    } catch (error) {
      this.given.onFailed(error);
      request.failed?.(error as MillraceError);
      return;
    }
    if (request.purpose === "savepoint") void store.abort(id);
    if (endsJob(request)) this.stopped = true;
    this.failures.onSuccess(id);
    this.lastCompletion = clock.steady();
    if (request.purpose === "checkpoint") {
      this.lastCompleted = id;
      this.sources?.completed(id);
    }
    // Tasks are not told of a plain savepoint: it ends none of them.
    if (request.purpose !== "savepoint") {
      if (this.stopped || manifest.operators.every(({ finished }) => finished.every(Boolean))) this.finish();
      // Being told, these tasks end: they take part in nothing that is triggered from here on.
      for (const snapshot of snapshots) if (snapshot.finished) this.finished.add(nameOf(snapshot));
      this.attempt?.checkpointCompleted(id);
      this.given.onCompleted(id);
    }
    for (const older of [...this.pending.values()]) if (older.id < id) this.fail(older, "subsumed");
    request.done?.(path);
    this.decide();
  }

  /** Answers the folder. */
  private async writeSavepoint(manifest: Manifest, folder: string): Promise<string> {
    return placeIn(folder, await this.given.store.savepoint(manifest, "", this.given.openFolder(folder)));
  }

  private restFinal(): void {
    this.finalRests = true;
    this.cancelRest();
    this.cancelRest = this.given.scheduler.after(FINAL_REST_MS, () => {
      this.finalRests = false;
      this.wantFinal();
    });
  }

  /** The tasks end: nothing is triggered any more. */
  private finish(): void {
    this.finalDone = true;
    for (const request of this.queue.takeAll()) this.refuse(request, "job-ended");
  }

  private fail(pending: Pending, reason: FailureReason, cause?: unknown, attempt = this.attempt): void {
    const { id, request, cancelTimeout } = pending;
    const { store, clock } = this.given;
    this.pending.delete(id);
    cancelTimeout();
    void store.abort(id);
    attempt?.checkpointAborted(id);
    const message = cause instanceof Error ? cause.message : failureReasons[reason].text;
    this.statistics.onFailed(id, message, clock.now());
    request.failed?.(new MillraceError("CHECKPOINT_FAILED", message, { cause }));
    const { purpose } = request;
    const atTask = ["declined", "write-failed", "expired"].includes(reason);
    const counted = this.failures.onFailure({ reason, checkpoint: id, purpose, atTask, cause });
    if (endsJob(request)) this.stopping = false;
    // Event time has come to its end in the tasks, which cannot be taken back.
    const error =
      purpose === "terminate" ? new MillraceError("CHECKPOINT_FAILED", message, { cause }) : counted;
    if (error !== undefined && this.attempt !== undefined) this.given.onFailed(error);
    if (id >= this.finalFrom && failureReasons[reason].counts) this.restFinal();
    this.decide();
  }
}
