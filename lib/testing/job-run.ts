/**
 * One run of a job through a test's steps, in one variation: the real slot, inline and under a virtual clock, without
 * a coordinator. After every step it runs until nothing moves any more.
 */

import type { JobDefinition } from "../api/define-job.js";
import { present } from "../base/assert.js";
import { systemClock } from "../base/clock.js";
import { fromData, MillraceError } from "../base/error.js";
import { copyOf } from "../base/plain-data.js";
import { systemScheduler } from "../base/scheduler.js";
import type { CheckpointPlan } from "../checkpoint/checkpoint-plan.js";
import { planCheckpoint } from "../checkpoint/checkpoint-plan.js";
import { redistribute } from "../checkpoint/redistribution.js";
import type { TaskSnapshot } from "../checkpoint/snapshot.js";
import type { TaskRestore } from "../checkpoint/task-restore.js";
import { FunctionReports } from "../coordinator/function-reports.js";
import { manifestOf } from "../coordinator/manifest.js";
import { createDoorbell } from "../exchange/doorbell.js";
import { createRoundTimes } from "../metrics/round-times.js";
import { createTaskMetrics } from "../metrics/task-metrics.js";
import type { Operator } from "../operators/contract.js";
import type { Deployment, SlotEvents } from "../protocol/deployment.js";
import { Slot } from "../runtime/slot.js";
import type { SlotStandIns } from "../runtime/slot-builder.js";
import { heapBackend } from "../state/heap/backend.js";
import { MemoryBlobStore } from "../storage/memory.js";
import { codecLoop } from "./codec-loop.js";
import { type DrivenProgram, drivenProgram } from "./driven-program.js";
import { DrivenSource } from "./driven-source.js";
import type { Row } from "./rows.js";
import { printStep, type Step } from "./steps.js";
import { TestedChannel } from "./tested-channel.js";
import type { Variation } from "./variations.js";
import { VirtualClock } from "./virtual-clock.js";

export interface JobRunOptions {
  readonly job: JobDefinition;
  readonly params: unknown;
  readonly startTime: number;
  /** How long a step waits for answers from outside, in real ms. */
  readonly answersMs: number;
  /** Rows that one step may lead to. */
  readonly rowsMax: number;
}

/** Rounds in a row in which nothing moves: an operator may have been woken between two. */
const QUIET_ROUNDS = 4;
/** A step that takes more rounds never ends. */
const ROUNDS_MAX = 1_000_000;
/** A snapshot into memory that takes longer never ends, real ms. */
const SNAPSHOT_MS = 10_000;
const JOB_ID = "test";

export class JobRun {
  readonly variation: Variation;
  readonly rows = new Map<string, Row[]>();
  program!: DrivenProgram;
  private readonly given: JobRunOptions;
  private readonly clock: VirtualClock;
  private readonly store = new MemoryBlobStore();
  private slot: Slot | undefined;
  private round: (() => boolean | undefined) | undefined;
  private readonly reports = new FunctionReports();
  private operators: Operator[] = [];
  private readonly sources = new Map<string, DrivenSource[]>();
  private readonly watermarks = new Map<string, number>();
  private snapshots: TaskSnapshot[] = [];
  private attempt = 0;
  private checkpoint = 0;
  private completed = 0;
  private done = 0;
  private pushed = 0;
  private rowsOfStep = 0;
  private failure: unknown;
  /**
   * Of rows that come when a restarted attempt is told the watermark again. A timer for a time that has passed fires
   * with the next watermark: that is this one here, and the one of a later step elsewhere, to which the rows go.
   */
  private readonly early: [sink: string, row: Row][] = [];
  private repeating = false;
  /** Behind the barrier of a checkpoint: the attempt that goes on from it gives them again. */
  private readonly behind: [sink: string, row: Row][] = [];

  constructor(variation: Variation, given: JobRunOptions) {
    this.variation = variation;
    this.given = given;
    this.clock = new VirtualClock(given.startTime);
  }

  /** Goes through the steps behind those it has gone through. Throws what the job fails with, always again. */
  async catchUp(steps: readonly Step[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    let at: Step | undefined;
    try {
      if (this.slot === undefined) await this.start([]);
      else await this.settle();
      for (; this.done < steps.length; this.done++) {
        const step = steps[this.done]!;
        at = step;
        this.rowsOfStep = 0;
        this.take(step);
        await this.settle();
        if (this.variation.restores === true && step.do !== "end") await this.restart();
      }
    } catch (error) {
      this.failure = this.located(error, at);
      throw this.failure;
    }
  }

  /** What the accumulators of the job have come to in this attempt. */
  accumulators(): Readonly<Record<string, unknown>> {
    this.slot!.reportFunctions();
    return this.reports.merged(this.program.plan.program.accumulators);
  }

  async close(): Promise<void> {
    await this.slot?.end(true);
  }

  /** The same error, with what the test has done. */
  private located(error: unknown, step: Step | undefined): unknown {
    const at = step === undefined ? "at its start" : `at step ${this.done + 1}, ${printStep(step)}`;
    const where = `variation "${this.variation.name}", ${at}`;
    if (!MillraceError.is(error))
      return new MillraceError("INTERNAL", `${String(error)} (${where})`, { cause: error });
    const { code, message, hint, place } = error;
    return new MillraceError(code, `${message} (${where})`, { ...place, hint, cause: error.cause ?? error });
  }

  private take(step: Step): void {
    if (step.do === "watermark" || step.do === "end") {
      for (const [sink, row] of this.early.splice(0)) this.rows.get(sink)!.push({ ...row, step: this.done });
    }
    switch (step.do) {
      case "push": {
        const { timestampOf, validate } = present(this.program.sources.get(step.source));
        const record = copyOf(step.record);
        const valid = validate === undefined ? record : validate(record);
        const at = step.at ?? timestampOf?.(valid) ?? Number.NaN;
        const subtasks = this.sources.get(step.source)!;
        subtasks[this.pushed++ % subtasks.length]!.giveRecord(valid, at);
        break;
      }
      case "watermark":
        for (const [name, subtasks] of this.sources) {
          if (step.source !== undefined && step.source !== name) continue;
          if (step.watermark <= (this.watermarks.get(name) ?? Number.NEGATIVE_INFINITY)) continue;
          this.watermarks.set(name, step.watermark);
          for (const source of subtasks) source.giveWatermark(step.watermark);
        }
        break;
      case "clock":
        this.clock.advance(step.ms);
        break;
      default:
        for (const source of [...this.sources.values()].flat()) source.giveEnd();
    }
  }

  private async start(restores: readonly TaskRestore[]): Promise<void> {
    const { job, params } = this.given;
    this.operators = [];
    this.sources.clear();
    this.reports.forget();
    this.attempt++;
    this.program = drivenProgram(job, params, this.variation, {
      onRow: (sink, record, timestamp, isBehind) => this.onRow(sink, record, timestamp, isBehind),
      onOperator: (operator) => this.operators.push(operator),
    });
    for (const sink of this.program.sinks) if (!this.rows.has(sink)) this.rows.set(sink, []);
    this.slot = new Slot(this.program.plan, this.deployment(restores), this.events(), {
      backend: heapBackend,
      store: this.store,
      restoreStore: this.store,
      clock: this.clock,
      scheduler: systemScheduler,
      standIns: this.standIns(),
      drive: (round) => {
        this.round = round;
      },
    });
    await this.slot.open();
    this.slot.start();
    await this.settle();
    // What a delta is made against.
    if (this.variation.restores !== true) return;
    await this.takeCheckpoint();
    for (const [sink, row] of this.behind.splice(0)) this.rows.get(sink)!.push(row);
  }

  private standIns(): SlotStandIns {
    const { carry, tiny = false } = this.variation;
    const source: SlotStandIns["source"] = (vertex, _subtask, wiring) => {
      const { uid, name: operator } = vertex.operators[0]!;
      const made = new DrivenSource(operator, wiring);
      const name = present(this.program.sourceNames.get(uid));
      this.sources.set(name, [...(this.sources.get(name) ?? []), made]);
      return made;
    };
    if (carry !== "codec" && !tiny) return { source };
    const carrierOf = (sender: string) => (carry === "codec" ? codecLoop(sender) : undefined);
    return {
      source,
      localChannel: (receiver, input, sender) =>
        new TestedChannel(receiver, input, sender, { carry: carrierOf(sender.name), tiny }),
    };
  }

  private deployment(restores: readonly TaskRestore[]): Deployment {
    const { vertices } = this.program.plan.jobGraph;
    const tasks = vertices.flatMap(({ id, parallelism }) =>
      Array.from({ length: parallelism }, (_, subtask) => ({ vertex: id, subtask })),
    );
    return {
      moduleUrl: "",
      params: this.given.params,
      options: { parallelism: 1, bufferTimeoutMs: 0, frozenRecords: this.variation.carry === "freeze" },
      fingerprint: "",
      runId: JOB_ID,
      attempt: this.attempt,
      // Else operators would wait for a last checkpoint before they end.
      ...(this.variation.restores === true
        ? { checkpoints: { store: this.store.location, jobId: JOB_ID, epoch: this.attempt } }
        : {}),
      restores,
      slot: 0,
      tasks: tasks.map((task, metricsRow) => ({ ...task, metricsRow })),
      slotOf: vertices.map(({ parallelism }) => new Array<number>(parallelism).fill(0)),
      rings: [],
      doorbells: [createDoorbell()],
      progress: new SharedArrayBuffer(4),
      metrics: createTaskMetrics(tasks.length),
      roundTimes: createRoundTimes(1),
    };
  }

  private events(): SlotEvents {
    return {
      requestSplits: () => undefined,
      rows: () => undefined,
      acknowledged: (_checkpoint, snapshot) => this.snapshots.push(snapshot),
      declined: (_checkpoint, _task, error) => {
        this.failure ??= fromData(error);
      },
      dataEnded: () => undefined,
      functionsReported: (vertex, subtask, report) => this.reports.take({ vertex, subtask }, report),
      taskFinished: () => undefined,
      failed: (error) => {
        this.failure ??= fromData(error);
      },
    };
  }

  private onRow(sink: string, record: unknown, timestamp: number, isBehind: boolean): void {
    if (++this.rowsOfStep > this.given.rowsMax)
      this.endless(`has led to more than ${this.given.rowsMax} rows`);
    const row = { record: copyOf(record), timestamp, step: this.done };
    if (isBehind) this.behind.push([sink, row]);
    else if (this.repeating) this.early.push([sink, row]);
    else this.rows.get(sink)!.push(row);
  }

  /** Runs until nothing moves any more, nor is under way. */
  private async settle(isOver: () => boolean = () => true): Promise<void> {
    let quiet = 0;
    let waited: number | undefined;
    for (let rounds = 0; ; rounds++) {
      if (rounds > ROUNDS_MAX) this.endless(`still moves after ${ROUNDS_MAX} rounds`);
      const moved = this.round?.() === true;
      if (this.failure !== undefined) throw this.failure;
      quiet = moved ? 0 : quiet + 1;
      if (moved) {
        waited = undefined;
        continue;
      }
      // Before the turn: an answer that comes in it has not been taken yet.
      const waits = this.isWaiting || !isOver();
      await turn();
      if (!waits) {
        if (quiet >= QUIET_ROUNDS) return;
        continue;
      }
      quiet = 0;
      const now = systemClock.steady();
      waited ??= now;
      if (now - waited < (isOver() ? this.given.answersMs : SNAPSHOT_MS)) continue;
      if (isOver()) return;
      this.endless("waits for a snapshot that is never complete");
    }
  }

  /** Something outside has not answered yet. */
  private get isWaiting(): boolean {
    return this.operators.some(({ awaits }) => awaits === true);
  }

  private endless(what: string): never {
    throw new MillraceError("TEST_ENDLESS", `the step ${what}`);
  }

  private async restart(): Promise<void> {
    const manifest = await this.takeCheckpoint();
    await this.slot!.end(true);
    this.behind.length = 0;
    this.round = undefined;
    const { tasks } = redistribute(manifest, this.program.plan.jobGraph);
    await this.start(tasks);
    for (const [name, watermark] of this.watermarks) {
      for (const source of this.sources.get(name)!) source.giveWatermark(watermark);
    }
    // What answers bring about cannot be told from it, but comes at any time anyway.
    this.repeating = this.watermarks.size > 0 && !this.operators.some(({ awaits }) => awaits !== undefined);
    await this.settle();
    this.repeating = false;
  }

  private async takeCheckpoint() {
    const { jobGraph } = this.program.plan;
    const plan = planCheckpoint(jobGraph, () => "running") as CheckpointPlan;
    const id = ++this.checkpoint;
    this.snapshots = [];
    const timestamp = this.clock.now();
    this.slot!.trigger(
      {
        id,
        timestamp,
        purpose: "checkpoint",
        alignment: "aligned",
        alignedTimeoutMs: 0,
        completed: this.completed,
      },
      plan.trigger,
    );
    await this.settle(() => this.snapshots.length === plan.waitFor.length);
    this.completed = id;
    this.slot!.checkpointCompleted(id);
    const { attempt, snapshots } = this;
    const gathered = { id, purpose: "checkpoint" as const, timestamp, attempt, plan, snapshots };
    return manifestOf(jobGraph, JOB_ID, { ...gathered, enumerators: new Map() });
  }
}

/** Every promise that can go on has done so when the answer resolves. */
function turn(): Promise<void> {
  return new Promise((resolve) => systemScheduler.soon(resolve));
}
