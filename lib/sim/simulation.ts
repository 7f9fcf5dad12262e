/** One simulated run: a job with its coordinators, slots, disks and faults, from the first start to the checks. */
import { buildProgram } from "../api/environment.js";
import { MillraceError, messageOf } from "../base/error.js";
import { seededRandom } from "../base/random.js";
import { CheckpointStore } from "../checkpoint/checkpoint-store.js";
import { restartStrategy } from "../checkpoint/restart-strategy.js";
import { hybridSource } from "../connectors/hybrid/source.js";
import { checkpointSettings } from "../coordinator/checkpoint-settings.js";
import { JobCoordinator } from "../coordinator/job-coordinator.js";
import type { JobOrigin } from "../coordinator/job-coordinator-options.js";
import { plan as planProgram } from "../planner/plan.js";
import type { Plan } from "../protocol/program.js";
import { checkRows, orphans, untakenFrames } from "./checks.js";
import { Disks } from "./disks.js";
import { FaultSwitch } from "./fault-switch.js";
import type { Fault, SimPlan } from "./plan.js";
import { type ReplayOptions, replaySource } from "./replay-source.js";
import { SlotHosts } from "./slot-hosts.js";
import { Table, tableSink } from "./table.js";
import { type Kit, LAGGING, type Topology, WATERMARKS } from "./topologies/topology.js";
import { Life, World } from "./world.js";

export interface Outcome {
  /** What is wrong; empty: the run was right. */
  readonly problems: readonly string[];
  readonly steps: number;
  /** Of the trace: equal for equal runs. */
  readonly hash: string;
  readonly completed: number;
  readonly restarts: number;
  /** Those of them that a part of the job has gone through without the others. */
  readonly partial: number;
}

/** A run that takes more steps never ends. */
const STEPS_MAX = 120_000;
const CHECKPOINTS = "checkpoints";
const SAVEPOINTS = "savepoints";
const MAX_PARALLELISM = 8;
/** Mean time until a dead process is started again, ms. */
const REVIVE_MS = 20;
const TIMEOUT_MS = 3000;
/** Mean time until a service answers, ms. */
const ANSWER_MS = 4;
/** A job without end is stopped some time after this step, ms between attempts to do so. */
const ENDLESS_STEPS = 1500;

export async function simulate(
  plan: SimPlan,
  topology: Topology,
  print?: (line: string) => void,
): Promise<Outcome> {
  return new Simulation(plan, topology, print).run();
}

class Simulation {
  private readonly plan: SimPlan;
  private readonly topology: Topology;
  private readonly world: World;
  private readonly faults: FaultSwitch;
  private readonly disks: Disks;
  private readonly tables: ReadonlyMap<string, Table>;
  private readonly problems: string[] = [];
  private process = new Life();
  private slot = new Life();
  private hosts: SlotHosts | undefined;
  private coordinator: JobCoordinator | undefined;
  private parallelism: number;
  /** Jobs so far: a job that was stopped is followed by one that goes on from its savepoint. */
  private jobs = 1;
  private origin: { readonly path: string } | undefined;
  private drained = false;
  private drainAsked = false;
  private stopping: Extract<Fault, { kind: "stop" }> | undefined;
  private stopped: string | undefined;
  private over = false;
  private mayBeDone = false;
  private completed = 0;
  private restarts = 0;
  private partial = 0;

  constructor(plan: SimPlan, topology: Topology, print?: (line: string) => void) {
    this.plan = plan;
    this.topology = topology;
    this.parallelism = plan.parallelism;
    this.world = new World(plan.seed, print);
    this.world.tickMs = plan.tickMs;
    this.faults = new FaultSwitch(this.world, plan.faults);
    this.disks = new Disks(this.world, this.faults, plan.storageMs);
    this.tables = new Map(topology.sinks.map((name) => [name, new Table()]));
  }

  async run(): Promise<Outcome> {
    const { world } = this;
    world.onStep = (step) => this.atStep(step);
    this.startProcess();
    const ended = await world.run(() => this.over || this.problems.length > 0, STEPS_MAX);
    if (ended !== "over") {
      const state = this.coordinator?.state ?? "none";
      this.problems.push(`the job has not ended (${ended}; ${state}) after ${world.steps} steps`);
    } else if (this.problems.length === 0) this.problems.push(...this.check());
    return {
      problems: this.problems,
      steps: world.steps,
      hash: world.hash,
      completed: this.completed,
      restarts: this.restarts,
      partial: this.partial,
    };
  }

  private check(): string[] {
    const rows = Object.fromEntries([...this.tables].map(([name, table]) => [name, table.rows]));
    return [
      ...[...this.tables.values()].flatMap(({ broken }) => broken),
      ...checkRows(this.topology, this.plan, rows, this.drained || this.topology.abilities.endless === true),
    ];
  }

  private get jobId(): string {
    return `sim-${this.jobs}`;
  }

  /** A process comes up, opens what its predecessor left and runs the job. */
  private startProcess(): void {
    const process = new Life();
    this.process = process;
    this.coordinator = undefined;
    this.runProcess(process).then(
      (outcome) => {
        if (process.alive && !this.over) this.onEnd(outcome);
      },
      (error: unknown) => {
        if (process.alive) this.onFailure(error);
      },
    );
  }

  private async runProcess(process: Life): Promise<"finished" | "stopped"> {
    const { world, disks, plan } = this;
    const store = await CheckpointStore.open(disks.open(CHECKPOINTS, process), {
      jobId: this.jobId,
      numRetained: plan.retained,
      random: seededRandom(world.random.u32()),
    });
    await store.idle();
    if (!process.alive) return new Promise(() => undefined);
    this.problems.push(...(await orphans(disks.contents(CHECKPOINTS), this.jobId, disks.late)));
    // It died while it removed its checkpoints, of which a finished job needs none: nothing is left to resume.
    if (this.mayBeDone && store.list().length === 0) {
      this.over = true;
      return "finished";
    }
    this.mayBeDone = false;
    const program = this.program(process);
    this.hosts = new SlotHosts({
      world,
      plan,
      program,
      disks,
      process,
      building: (life) => {
        this.slot = life;
      },
    });
    this.coordinator = this.newCoordinator(process, program, store, this.hosts);
    await this.coordinator.run();
    return this.stopped === undefined ? "finished" : "stopped";
  }

  private newCoordinator(
    process: Life,
    program: Plan,
    store: CheckpointStore,
    hosts: SlotHosts,
  ): JobCoordinator {
    const { world, plan, disks } = this;
    const origin: JobOrigin | undefined =
      this.origin === undefined
        ? undefined
        : { store: disks.open(SAVEPOINTS, process), path: this.origin.path };
    return new JobCoordinator({
      planned: {
        plan: program,
        options: {
          parallelism: this.parallelism,
          bufferTimeoutMs: 5,
          ...(plan.debloat === null ? {} : { debloat: plan.debloat }),
        },
        fingerprint: "sim",
      },
      replan: () => Promise.reject(new Error("a simulated job is rescaled by its savepoints")),
      moduleUrl: "sim",
      params: {},
      runId: this.jobId,
      hangTimeoutMs: 1_000_000,
      ringBytes: plan.ringBytes,
      openFolder: (folder) => disks.open(folder, process),
      checkpoints: {
        store,
        settings: checkpointSettings({
          interval: plan.intervalMs,
          mode: plan.mode === "at-least-once" ? "at-least-once" : "exactly-once",
          unaligned: plan.mode === "unaligned" || plan.mode === "timeout",
          alignedTimeout: plan.mode === "timeout" ? 5 : 0,
          // A barrier waits for the burst of one record, and that for sinks that pause.
          timeout: plan.pauses > 0 ? TIMEOUT_MS * 20 : TIMEOUT_MS,
          maxConcurrent: plan.concurrent,
          tolerableFailures: plan.tolerable,
          retention: "retain",
        }),
      },
      restart: restartStrategy({ strategy: "fixed-delay", attempts: 1000, delay: 5 }, true),
      origin,
      allowNonRestoredState: false,
      launch: hosts.launch,
      clock: world.clock,
      scheduler: world.schedulerOf(process),
      random: seededRandom(world.random.u32()),
      onRows: () => undefined,
      onCompleted: () => {
        if (process.alive) this.completed++;
      },
      onRestart: () => undefined,
      onRecovery: (error, _origin, tasks) => {
        if (!process.alive || error === undefined) return;
        this.restarts++;
        if (tasks !== undefined) this.partial++;
        world.log(`restart of ${tasks?.length ?? "all"} tasks after ${messageOf(error)}`);
        this.accept(error);
      },
    });
  }

  /** Only what the plan does may go wrong. */
  private accept(error: unknown): void {
    const causes: string[] = [];
    for (let at: unknown = error; at instanceof Error; at = at.cause)
      causes.push(`${at.message} ${at.stack}`);
    const text = causes.join("\n");
    const isOwn =
      text.includes("injected") ||
      (MillraceError.is(error) && ["CHECKPOINT_FAILED", "CHECKPOINTS_FAILED"].includes(error.code)) ||
      /checkpoint/i.test(messageOf(error));
    if (!isOwn) this.problems.push(`unexpected failure: ${text.slice(0, 2000)}`);
  }

  private program(process: Life): Plan {
    const { world, faults, tables, topology } = this;
    const plan: SimPlan = this.plan;
    const tableWorld = {
      world,
      faults,
      coordinator: () => process,
      slot: () => this.slot,
      pauses: plan.pauses,
    };
    const program = buildProgram(
      {
        name: "sim",
        build: (env) => {
          const kit: Kit = {
            plan,
            env,
            source: (options, group, strategy = WATERMARKS) =>
              env.source(
                options.name,
                replaySource(options, world, () => process),
                { watermarks: strategy, ...(group === undefined ? {} : { slotSharingGroup: group }) },
              ),
            chain: (name, [first, ...next]) => {
              const made = (options: ReplayOptions) => replaySource(options, world, () => process);
              const later = next.map((options, i) => ({
                ...(i % 2 === 0 ? { watermarks: LAGGING } : {}),
                source: (before: number) => made({ ...options, before }),
                boundedness: options.endless === true ? ("unbounded" as const) : ("bounded" as const),
              }));
              return env.source(name, hybridSource(made(first!), ...later), { watermarks: WATERMARKS });
            },
            sink: (name) => tableSink(tables.get(name)!, name, tableWorld),
            hook: (hook) => faults.hook(hook),
            answer: () => world.wait(world.always, world.delay(ANSWER_MS), "a service answers"),
          };
          topology.build(kit);
        },
      },
      {},
    );
    return planProgram(program, {
      parallelism: this.parallelism,
      maxParallelism: MAX_PARALLELISM,
      chaining: plan.chaining,
      rescalable: true,
    });
  }

  private atStep(step: number): void {
    for (const fault of this.plan.faults) if ("at" in fault && fault.at === step) this.inject(fault);
    const mustStop = this.topology.abilities.endless === true && step % ENDLESS_STEPS === 0;
    if (mustStop && this.stopping === undefined) this.stop({ kind: "stop", at: step, drain: step % 2 === 0 });
  }

  private inject(fault: Fault): void {
    switch (fault.kind) {
      case "crash-slot":
        this.hosts?.crash(fault.slot);
        break;
      case "crash-coordinator":
        // The next one is on its way.
        if (!this.process.alive) break;
        this.world.log("fault: the process dies");
        this.parallelism = fault.parallelism ?? this.parallelism;
        this.process.end();
        // A job that was stopped goes on from its savepoint, in another store.
        this.mayBeDone ||= this.stopped === undefined && this.coordinator?.state === "committing";
        if (this.stopped !== undefined) this.nextJob();
        else {
          this.stopping = undefined;
          this.revive();
        }
        break;
      case "slow-storage":
        this.faults.slowUntil = fault.at + fault.steps;
        break;
      case "savepoint":
        this.savepoint();
        break;
      case "stop":
        this.stop(fault);
    }
  }

  private revive(): void {
    const { world } = this;
    world.after(world.always, world.delay(REVIVE_MS), "a new process", () => this.startProcess());
  }

  private savepoint(): void {
    const path = this.coordinator?.savepoint("savepoint", SAVEPOINTS);
    path?.then(
      (made) => this.world.log(`savepoint ${made}`),
      (error: unknown) => this.world.log(`no savepoint: ${messageOf(error)}`),
    );
  }

  private stop(fault: Extract<Fault, { kind: "stop" }>): void {
    const { process, coordinator } = this;
    if (coordinator?.state !== "running") return;
    this.world.log(`stop, drain ${fault.drain}`);
    this.stopping = fault;
    this.drainAsked ||= fault.drain;
    coordinator.savepoint(fault.drain ? "terminate" : "stop", SAVEPOINTS).then(
      (path) => {
        if (process.alive) this.stopped = path;
      },
      (error: unknown) => {
        if (!process.alive) return;
        this.world.log(`not stopped: ${messageOf(error)}`);
        this.stopping = undefined;
      },
    );
  }

  private onEnd(outcome: "finished" | "stopped"): void {
    const { world, coordinator } = this;
    world.log(`job ${this.jobs} ${outcome}`);
    // One that dies behind its job's last savepoint is not replaced: that savepoint holds what it has not taken.
    const isWhole = outcome === "finished" || !this.hosts!.lacksOne;
    if (isWhole) this.problems.push(...untakenFrames(coordinator!.placement));
    const { counts, latest } = coordinator!.statistics()!;
    const { inProgress } = counts;
    // It went on from a drain's checkpoint: nothing was left to read.
    if (latest.restored?.isSavepoint === true && this.drainAsked) this.drained = true;
    if (inProgress > 0) this.problems.push(`${inProgress} checkpoints are still under way`);
    this.process.end();
    if (outcome === "finished") {
      const left = [...this.tables.values()].flatMap((table) => table.left);
      if (left.length > 0) this.problems.push(`transactions are left: ${left.slice(0, 3).join(", ")}`);
      if (this.completed === 0) this.problems.push("the job has finished without a checkpoint");
      this.over = true;
      return;
    }
    this.nextJob();
  }

  /** The job was stopped: another one goes on from its savepoint. */
  private nextJob(): void {
    const { stopping } = this;
    if (stopping?.drain === true) this.drained = true;
    this.origin = { path: this.stopped!.slice(SAVEPOINTS.length + 1) };
    this.parallelism = stopping?.parallelism ?? this.parallelism;
    this.stopped = undefined;
    this.stopping = undefined;
    this.jobs++;
    // An endless job is stopped once, or a second time after it went on from a savepoint.
    if (this.topology.abilities.endless === true && this.jobs > 2) this.over = true;
    else this.startProcess();
  }

  /** The process has not got the job to its end: it is started again while its plan is what failed it. */
  private onFailure(error: unknown): void {
    this.world.log(`process failed: ${messageOf(error)}`);
    this.accept(error);
    this.process.end();
    this.revive();
  }
}
