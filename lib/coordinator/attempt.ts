/**
 * One start of a job: places its tasks, deploys them and runs them until all have finished or something has
 * failed. Every attempt has memory, threads and sources of its own.
 *
 * It consists of its regions, each with a run. When a region fails, whoever runs the attempt may start that region
 * again (`endRegion`, `restartRegion`) while the others go on; else the attempt has failed.
 */
import { assert } from "../base/assert.js";
import { MillraceError } from "../base/error.js";
import { RING_BYTES } from "../base/limits.js";
import type { Barrier } from "../checkpoint/barrier.js";
import { createLatencies } from "../metrics/latencies.js";
import type { CommittableReport, TaskId } from "../protocol/deployment.js";
import type { AttemptOptions, RunOrigin } from "./attempt-options.js";
import { type Placement, place } from "./placement.js";
import { RegionRun } from "./region-run.js";
import { type Region, regionsOf, renewed } from "./regions.js";
import { SourceAligner } from "./source-aligner.js";
import { Watchdog } from "./watchdog.js";

export class Attempt {
  /** Changes when a region is started again. */
  placement: Placement;
  /** By their first slots. */
  readonly regions: readonly Region[];
  /** Without checkpoints: what sinks ask to be committed when all tasks have finished. */
  readonly committables: CommittableReport[] = [];
  /** Of the runs of its regions, in ascending order: they are in the names of what slots write. */
  readonly numbers: number[];
  private readonly given: AttemptOptions;
  /** By region: the one that runs. */
  private readonly runs: RegionRun[];
  private isRunning = false;
  private failure: { readonly error: unknown } | undefined;
  private ended = false;
  private settle!: { resolve: () => void; reject: (error: unknown) => void };
  private readonly allFinished: Promise<void>;
  private watchdog: Watchdog | undefined;
  private aligner: SourceAligner | undefined;

  constructor(given: AttemptOptions) {
    this.given = given;
    this.numbers = [given.number];
    this.placement = tracked(place(given.plan.jobGraph, given.ringBytes, given.machine), given);
    this.regions = regionsOf(given.plan.jobGraph, this.placement);
    this.runs = this.regions.map((region) => this.runOf(region, given.number, given.origin));
    this.allFinished = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.allFinished.catch(() => undefined);
  }

  /** The highest so far. */
  get number(): number {
    return this.numbers.at(-1)!;
  }

  /** Resolves when every task can start. */
  async deploy(): Promise<void> {
    await this.unlessFailed(Promise.all(this.runs.map((run) => run.deploy(this.placement))));
    if (!this.ended) this.watchdog = this.watch();
  }

  /** Starts the tasks; resolves when all have finished. */
  async run(): Promise<void> {
    await Promise.all(this.runs.map((run) => run.start()));
    this.isRunning = true;
    if (!this.ended) this.aligner = this.align();
    await this.allFinished;
  }

  /** Ends the attempt with an error. */
  fail(error: unknown): void {
    this.failure ??= { error };
    this.settle.reject(error);
  }

  /** As `what`; rejects when the attempt has failed, or fails before. */
  async unlessFailed<T>(what: Promise<T>): Promise<T> {
    const answer = await Promise.race([what, this.allFinished.then(() => what)]);
    if (this.failure !== undefined) throw this.failure.error;
    return answer;
  }

  /** Puts a barrier in front of what these tasks do next. */
  trigger(barrier: Barrier, tasks: readonly TaskId[]): void {
    for (const run of this.runs) run.trigger(barrier, tasks, this.placement);
  }

  checkpointCompleted(checkpoint: number): void {
    for (const run of this.runs) run.checkpointCompleted(checkpoint);
  }

  checkpointAborted(checkpoint: number): void {
    for (const run of this.runs) run.checkpointAborted(checkpoint);
  }

  /** Ends what runs of a region; answers its number. */
  async endRegion(region: Region): Promise<number> {
    const run = this.runs[this.regions.indexOf(region)]!;
    await run.end();
    return run.number;
  }

  /** Starts a region again that was ended. Resolves when its tasks run. */
  async restartRegion(region: Region, origin: RunOrigin): Promise<void> {
    const index = this.regions.indexOf(region);
    assert(this.runs[index]!.ended && !this.ended, "a region that runs is not started again");
    const { plan, ringBytes = RING_BYTES } = this.given;
    this.placement = renewed(this.placement, plan.jobGraph, region, ringBytes);
    this.numbers.push(this.number + 1);
    const run = this.runOf(region, this.number, origin);
    this.runs[index] = run;
    await this.unlessFailed(run.deploy(this.placement));
    await this.unlessFailed(run.start());
  }

  /** All tasks have finished: lets their threads go. */
  async close(): Promise<void> {
    this.ended = true;
    this.stopWatching();
    await Promise.all(this.runs.map((run) => run.close()));
  }

  /** Ends every slot, whatever it is doing. */
  async abort(): Promise<void> {
    this.ended = true;
    this.stopWatching();
    await Promise.all(this.runs.map((run) => run.end()));
  }

  private stopWatching(): void {
    this.watchdog?.stop();
    this.aligner?.stop();
  }

  private align(): SourceAligner {
    const { plan, scheduler } = this.given;
    return new SourceAligner({
      plan,
      scheduler,
      view: () => this.placement,
      tell: (vertex, limit) => {
        for (const run of this.runs) run.alignSource(vertex, limit, this.placement);
      },
    });
  }

  private runOf(region: Region, number: number, origin: RunOrigin): RegionRun {
    return new RegionRun(region, number, this.given, origin, {
      failed: (error) => {
        if (this.ended) return;
        if (!this.isRunning || !this.given.events.regionFailed(region, error)) this.fail(error);
      },
      sourceFailed: (error) => this.fail(error),
      finished: (committables) => {
        this.committables.push(...committables);
        if (this.runs.every(({ isFinished }) => isFinished)) this.settle.resolve();
      },
    });
  }

  private watch(): Watchdog {
    const { hangTimeoutMs, clock, scheduler } = this.given;
    return new Watchdog({
      progress: this.placement.progress,
      hangTimeoutMs,
      clock,
      scheduler,
      onHang: (slot) => {
        const run = this.runs.find(({ region }) => region.slots.includes(slot));
        run?.fail(slot, this.hung(slot));
      },
    });
  }

  private hung(slot: number): MillraceError {
    const { plan, hangTimeoutMs } = this.given;
    const { tasks, slotOf } = this.placement;
    const { job, vertices } = plan.jobGraph;
    const names = tasks
      .filter(({ vertex, subtask }) => slotOf[vertex]![subtask] === slot)
      .map(({ vertex, subtask }) => `"${vertices[vertex]!.name}" subtask ${subtask}`);
    const message = `slot ${slot} has not moved for ${hangTimeoutMs} ms (${names.join(", ")})`;
    return new MillraceError("SLOT_HUNG", message, { job });
  }
}

/** With memory for latencies, where they are asked for. */
function tracked(placement: Placement, { options, plan }: AttemptOptions): Placement {
  if (options.latencyIntervalMs === undefined) return placement;
  return { ...placement, latencies: createLatencies(placement.tasks.length, plan.jobGraph.vertices.length) };
}
