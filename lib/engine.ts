/**
 * The process's composition root: wires planner, coordinator and hosts together. Imported by run.ts when a job starts.
 */
import { randomUUID } from "node:crypto";
import { systemClock } from "./base/clock.js";
import { type Duration, durationMs } from "./base/duration.js";
import { fromData, MillraceError, toData } from "./base/error.js";
import { freshSeed, seededRandom } from "./base/random.js";
import { systemScheduler } from "./base/scheduler.js";
import { CheckpointStore } from "./checkpoint/checkpoint-store.js";
import { type LoadedCheckpoint, loadCheckpoint } from "./checkpoint/load.js";
import { keptMaxParallelism } from "./checkpoint/redistribution.js";
import { type RestartOptions, restartStrategy } from "./checkpoint/restart-strategy.js";
import type { CheckpointsOverview } from "./checkpoint/statistics.js";
import { type CheckpointOptions, checkpointSettings } from "./coordinator/checkpoint-settings.js";
import { refuseUnrepeatable } from "./coordinator/guarantee.js";
import { JobCoordinator } from "./coordinator/job-coordinator.js";
import type {
  JobCheckpoints,
  JobCoordinatorOptions,
  JobOrigin,
  PlannedJob,
} from "./coordinator/job-coordinator-options.js";
import { jobIdIn } from "./coordinator/job-id.js";
import { JobMetrics, type JobProgress } from "./coordinator/job-metrics.js";
import { JobScaling, type Rescaled, type Rescaling, targetOf } from "./coordinator/job-scaling.js";
import { ResultRows } from "./coordinator/results.js";
import { type ReactiveOptions, reactiveSettings } from "./coordinator/scaling-settings.js";
import { type DebloatOptions, debloatSettings } from "./exchange/debloat-settings.js";
import { importableUrl } from "./host/bundle.js";
import { launchInline } from "./host/inline-host.js";
import { autoParallelism, machineOf, type ResourceOptions, readMachine } from "./host/machine.js";
import { BUFFER_TIMEOUT_MS, SLOT_HEAP_MB, YOUNG_MB } from "./host/presets.js";
import { loadPlan } from "./host/slot-control.js";
import { removeAbandonedStateFolders, removeStateFolder } from "./host/state-folders.js";
import { WorkerHosts, type WorkerHostsOptions } from "./host/worker-host.js";
import type { Job, JobResult, Recovery, SubtaskMetrics } from "./job.js";
import { latencyOption } from "./metrics/latencies.js";
import type { RoundTimes } from "./metrics/round-times.js";
import { fingerprint } from "./planner/fingerprint.js";
import { HEAP_MB_MIN } from "./planner/hosts.js";
import type { JobOptions } from "./protocol/deployment.js";
import type { Plan } from "./protocol/program.js";
import { absolutePlace, locationOf, placeOf } from "./storage/location.js";
import { openBlobStore } from "./storage/open.js";

export type { Rescaled, Rescaling } from "./coordinator/job-scaling.js";
export type { Job, JobResult, Recovery, SubtaskMetrics } from "./job.js";

/** How a job runs. */
export interface RunOptions {
  /** Subtasks of every operator that does not say its own; "auto" (default): one per core that the process may use. */
  readonly parallelism?: number | "auto";
  readonly maxParallelism?: number;
  /**
   * Use all cores that the process may, and rescale in place when they become more or fewer. Needs `checkpoint`, and
   * takes the place of `parallelism`. Default false.
   */
  readonly reactive?: boolean | ReactiveOptions;
  /** Given to the job's build function. Plain data. */
  readonly params?: Record<string, unknown>;
  /** Run on the main thread, for debugging. Module-level state is then shared by all subtasks. */
  readonly inline?: boolean;
  /** Cancels the job. */
  readonly signal?: AbortSignal;
  /** A function that does not return for this long fails the job; default "30s". */
  readonly hangTimeout?: Duration;
  /** How long a batch may wait for more records before it crosses threads; default "100ms". */
  readonly bufferTimeout?: Duration;
  /** Sources send a marker this often, which measures how long records take to each operator. Off by default. */
  readonly latencyTracking?: Duration;
  /** How much channels between threads may have in flight; false: always the most. On by default. */
  readonly debloat?: DebloatOptions | false;
  /** Old generation of each slot's heap, MiB; default 2048. */
  readonly slotHeapMb?: number;
  /** What slots with a resource profile are taken from; default: what this machine has. */
  readonly resources?: ResourceOptions;
  /** "throughput" (default): large young generation. "latency": short collections. */
  readonly preset?: "throughput" | "latency";
  /** While developing: a function that changes a record after it was emitted fails with RECORD_CHANGED. Costly. */
  readonly frozenRecords?: boolean;
  /** Off: every operator is a vertex of its own. */
  readonly chaining?: boolean;
  /** Off: aggregates are not computed in parts before records cross threads. */
  readonly localCombine?: boolean;
  /** Take checkpoints: after a failure the job goes on from the last one. Without them it has failed. */
  readonly checkpoint?: CheckpointOptions;
  /** What to do after a failure. Default: restart a second later with checkpoints, fail without. */
  readonly restart?: RestartOptions;
  /** Where keyed state lies: "heap" (default), "lmdb" (larger than memory), or the URL of a module of one's own. */
  readonly stateBackend?: string;
  /** Folder (or `s3://bucket/prefix`) of a savepoint or checkpoint to begin with. */
  readonly from?: string;
  /** With `from`: leave state behind that belongs to no operator of the job. */
  readonly allowNonRestoredState?: boolean;
  /**
   * Go on with the latest run of this job in `checkpoint.dir` that left a checkpoint there, or with the run of
   * this id (`job.id`), be it from its beginning.
   */
  readonly resume?: boolean | string;
  /** Told when the job goes on after a failure, and when it begins with a checkpoint. Must not throw. */
  readonly onRecovery?: (recovery: Recovery) => void;
  /** Told when the job was rescaled, and when a reactive one could not be. Must not throw. */
  readonly onRescale?: (rescaling: Rescaling) => void;
}

/** See run.ts. */
export async function start(module: string | URL, options: RunOptions, session?: WorkerHosts): Promise<Job> {
  // Debugging is about the user's own lines; a worker does the same for itself.
  if (options.inline === true) process.setSourceMapsEnabled(true);
  const jobOptions = resolveOptions(options);
  const moduleUrl = await importableUrl(module);
  const params = options.params ?? {};
  const first = await loadPlan(moduleUrl, params, jobOptions);
  await removeAbandonedStateFolders();
  const checkpoints = await openCheckpoints(first, options);
  const origin = originOf(options);
  const kept = await keptOf(checkpoints, origin);
  const replan = async (
    parallelism: number,
    keptMaxParallelism: Readonly<Record<string, number>>,
  ): Promise<PlannedJob> => {
    const own = { ...jobOptions, parallelism, keptMaxParallelism };
    const plan = await loadPlan(moduleUrl, params, own);
    return { plan, options: own, fingerprint: fingerprint(plan, params) };
  };
  const parallelism = await firstParallelism(options, jobOptions, async (least) => {
    return (await replan(least, kept)).plan;
  });
  const planned = await replan(parallelism, kept);
  return new RunningJob({ planned, replan, moduleUrl, params, options, session, checkpoints, origin });
}

/** What a job begins with: a reactive one with what there is for it, as far as its key groups allow. */
async function firstParallelism(
  options: RunOptions,
  { parallelism }: JobOptions,
  planOf: (parallelism: number) => Promise<Plan>,
): Promise<number> {
  const reactive = reactiveSettings(options);
  if (reactive === undefined) return parallelism;
  const { cpu } = machineOf(options.resources);
  return targetOf(cpu, await planOf(parallelism), reactive.maxParallelism) ?? parallelism;
}

/** The savepoint or checkpoint that a run is told to begin with. */
function originOf({ from }: RunOptions): JobOrigin | undefined {
  if (from === undefined) return undefined;
  return { store: openBlobStore(locationOf(from)), path: "" };
}

/** Into how many key groups the state is cut that the job goes on from; it cannot be cut otherwise. */
async function keptOf(
  checkpoints: JobCheckpoints | undefined,
  origin: JobOrigin | undefined,
): Promise<Record<string, number>> {
  const latest = await checkpoints?.store.latest();
  const loaded =
    latest ?? (origin === undefined ? undefined : await loadCheckpoint(origin.store, origin.path));
  return loaded === undefined ? {} : Object.fromEntries(keptMaxParallelism(loaded.manifest));
}

/** Opens the store of a job's checkpoints, where it takes any. */
async function openCheckpoints(plan: Plan, options: RunOptions): Promise<JobCheckpoints | undefined> {
  const { checkpoint, resume = false } = options;
  if (checkpoint === undefined) {
    if (resume === false) return undefined;
    throw new MillraceError("OPTION_INVALID", "resume needs checkpoint.dir: where the checkpoints are");
  }
  refuseUnrepeatable(plan, checkpoint);
  const settings = checkpointSettings(checkpoint);
  const { dir } = checkpoint;
  const blobs = openBlobStore(dir === undefined ? { kind: "memory" } : locationOf(dir));
  const jobId = await jobIdIn(blobs, plan.jobGraph.job, { resume, now: systemClock.now() });
  const { numRetained } = settings;
  return { store: await CheckpointStore.open(blobs, { jobId, numRetained }), settings };
}

/** Threads that outlive a job. */
export function sessionHosts(options: Pick<RunOptions, "slotHeapMb" | "preset">): WorkerHosts {
  return workerHosts(MAX_SLOTS, options, { keepsHosts: true });
}

/** Threads that one job or session may have at once. */
const MAX_SLOTS = 256;

/** Spare threads of one job: each holds some MB. */
const SPARE_SLOTS_MAX = 8;

function workerHosts(slots: number, options: RunOptions, more: WorkerHostsOptions): WorkerHosts {
  checkOptions(options);
  const heapMb = options.slotHeapMb ?? SLOT_HEAP_MB;
  // V8 aborts the whole process when one collection promotes much more than an exhausted heap holds.
  const youngMb = Math.min(YOUNG_MB[options.preset ?? "throughput"], heapMb / 4);
  return new WorkerHosts(slots, { heapMb, youngMb }, more);
}

/** See run.ts. */
export async function planned(module: string | URL, options: RunOptions): Promise<Plan["jobGraph"]> {
  const moduleUrl = await importableUrl(module);
  const jobOptions = resolveOptions(options);
  const planOf = (parallelism: number) =>
    loadPlan(moduleUrl, options.params ?? {}, { ...jobOptions, parallelism });
  return (await planOf(await firstParallelism(options, jobOptions, planOf))).jobGraph;
}

function resolveOptions(options: RunOptions): JobOptions {
  const {
    parallelism = "auto",
    maxParallelism,
    chaining,
    localCombine,
    bufferTimeout = BUFFER_TIMEOUT_MS,
  } = options;
  checkOptions(options);
  const debloat = debloatSettings(options.debloat);
  // How far a reactive job goes is seen in its plan: the narrowest is always possible.
  const auto = reactiveSettings(options) === undefined ? autoParallelism(machineOf(options.resources)) : 1;
  return {
    ...(debloat === undefined ? {} : { debloat }),
    parallelism: parallelism === "auto" ? auto : parallelism,
    ...(options.checkpoint === undefined && options.from === undefined ? {} : { rescalable: true }),
    ...(options.stateBackend === undefined ? {} : { stateBackend: options.stateBackend }),
    bufferTimeoutMs: durationMs(bufferTimeout, "bufferTimeout"),
    ...latencyOption(options.latencyTracking),
    ...(maxParallelism === undefined ? {} : { maxParallelism }),
    ...(options.frozenRecords === true ? { frozenRecords: true } : {}),
    ...(chaining === undefined ? {} : { chaining }),
    ...(localCombine === undefined ? {} : { localCombine }),
  };
}

function checkOptions(options: RunOptions): void {
  const { slotHeapMb = SLOT_HEAP_MB, preset = "throughput", hangTimeout = "30s" } = options;
  const refuse = (what: string) => {
    throw new MillraceError("OPTION_INVALID", what);
  };
  if (!(typeof slotHeapMb === "number" && slotHeapMb >= HEAP_MB_MIN)) {
    refuse(`slotHeapMb is ${slotHeapMb}; expected MiB, at least ${HEAP_MB_MIN}`);
  }
  if (!Object.hasOwn(YOUNG_MB, preset)) {
    refuse(`preset is "${preset}"; expected one of ${Object.keys(YOUNG_MB).join(", ")}`);
  }
  if (!(durationMs(hangTimeout, "hangTimeout") > 0)) refuse(`hangTimeout is ${hangTimeout}`);
}

interface JobParts
  extends Pick<
    JobCoordinatorOptions,
    "planned" | "replan" | "moduleUrl" | "params" | "checkpoints" | "origin"
  > {
  readonly options: RunOptions;
  readonly session: WorkerHosts | undefined;
}

class RunningJob implements Job {
  readonly name: string;
  readonly id: string;
  readonly completed: Promise<JobResult>;
  private readonly coordinator: JobCoordinator;
  private readonly scaling: JobScaling;
  private resources: ResourceOptions | undefined;
  private readonly rows = new Map<string, ResultRows>();
  private readonly measured: JobMetrics;

  constructor(given: JobParts) {
    const { options, session, ...rest } = given;
    const { checkpoints } = rest;
    const { plan } = rest.planned;
    this.name = plan.jobGraph.job;
    this.id = checkpoints?.store.jobId ?? randomUUID().slice(0, 8);
    const names = new Map<string, string>();
    for (const vertex of plan.jobGraph.vertices) {
      for (const node of vertex.operators) if (node.kind === "sink") names.set(node.uid, node.name);
    }
    for (const name of names.values()) this.rows.set(name, new ResultRows(name));
    const own = options.inline === true || session !== undefined ? undefined : this.workers(options, plan);
    const hosts = session ?? own;
    this.coordinator = new JobCoordinator({
      ...rest,
      runId: this.id,
      onAttemptEnded: (attempt) => removeStateFolder(this.id, attempt),
      restart: restartStrategy(options.restart, checkpoints !== undefined),
      allowNonRestoredState: options.allowNonRestoredState ?? false,
      random: seededRandom(freshSeed()),
      hangTimeoutMs: durationMs(options.hangTimeout ?? "30s", "hangTimeout"),
      machine: machineOf(options.resources),
      launch: hosts?.launch ?? launchInline,
      prepare: async (wanted) => hosts?.prepare(wanted),
      openFolder: (place) => openBlobStore(locationOf(place)),
      clock: systemClock,
      scheduler: systemScheduler,
      onRows: (uid, rows, checkpoint, slot) => {
        const results = this.rows.get(names.get(uid)!)!;
        const refused = checkpoints === undefined ? results.push(rows) : results.hold(rows, checkpoint, slot);
        if (refused !== undefined) this.coordinator.fail(refused);
      },
      onCompleted: (checkpoint) => {
        for (const results of this.rows.values()) results.release(checkpoint);
      },
      onRestart: (slots) => {
        for (const results of this.rows.values()) results.drop(slots);
      },
      onRecovery: (failure, origin, tasks) => {
        const { vertices } = this.coordinator.plan.jobGraph;
        const subtasks = tasks?.map(({ vertex, subtask }) => ({ vertex: vertices[vertex]!.name, subtask }));
        options.onRecovery?.({ ...recoveryOf(failure, origin), subtasks });
      },
    });
    this.measured = new JobMetrics(this.coordinator, systemClock.steady());
    this.resources = options.resources;
    this.scaling = this.scalingOf(options);
    const abort = () => this.coordinator.cancel();
    options.signal?.addEventListener("abort", abort, { once: true });
    if (options.signal?.aborted === true) abort();
    // A pending promise alone does not keep Node alive, and inline hosts hold no thread.
    const letGo = systemScheduler.keepAlive();
    const ended = this.coordinator.run().then(
      () => this.end(undefined),
      (error: unknown) => {
        this.end(error);
        throw error;
      },
    );
    this.completed = ended
      .finally(async () => {
        letGo();
        options.signal?.removeEventListener("abort", abort);
        await own?.destroy();
      })
      .then(() => ({ accumulators: this.accumulators() }));
    this.completed.catch(() => undefined);
  }

  get state(): string {
    return this.coordinator.state;
  }

  get sinks(): readonly string[] {
    return [...this.rows.keys()];
  }

  results<T>(name: string): AsyncIterable<T> {
    const rows = this.rows.get(name);
    if (rows === undefined) {
      const known = [...this.rows.keys()].map((each) => `"${each}"`).join(", ");
      throw new MillraceError("RESULTS_UNKNOWN", `the job has no sink "${name}", only ${known}`);
    }
    return rows as AsyncIterable<T>;
  }

  metrics(): SubtaskMetrics[] {
    return this.measured.subtasks(systemClock.steady());
  }

  rounds(): RoundTimes[] {
    return this.measured.rounds();
  }

  progress(): JobProgress {
    return this.measured.progress();
  }

  accumulators(): Readonly<Record<string, unknown>> {
    return this.coordinator.functions.merged(this.coordinator.plan.program.accumulators);
  }

  get restarts(): number {
    return this.coordinator.restarts;
  }

  checkpoints(): CheckpointsOverview | undefined {
    return this.coordinator.statistics();
  }

  savepoint(directory: string): Promise<string> {
    return this.coordinator.savepoint("savepoint", absolutePlace(directory));
  }

  async stop({ directory, drain = false }: { directory: string; drain?: boolean }): Promise<string> {
    const path = await this.coordinator.savepoint(drain ? "terminate" : "stop", absolutePlace(directory));
    await this.completed;
    return path;
  }

  get parallelism(): number {
    return this.coordinator.parallelism;
  }

  get lastRescale(): Rescaling | undefined {
    return this.scaling.last;
  }

  rescale(parallelism: number | "auto"): Promise<Rescaled> {
    return this.scaling.rescale(parallelism);
  }

  resourcesChanged(resources?: ResourceOptions): void {
    this.scaling.requireReactive();
    if (resources !== undefined) machineOf(resources);
    this.resources = resources ?? this.resources;
    this.scaling.look();
  }

  async cancel(): Promise<void> {
    this.coordinator.cancel();
    await this.completed.catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }

  private scalingOf(options: RunOptions): JobScaling {
    return new JobScaling({
      job: this.coordinator,
      reactive: reactiveSettings(options),
      available: () => readMachine(this.resources),
      clock: systemClock,
      scheduler: systemScheduler,
      onRescale: options.onRescale ?? (() => undefined),
    });
  }

  private workers(options: RunOptions, { jobGraph }: Plan): WorkerHosts {
    // A failure ends all slots of a job, and starting a thread takes longer than loading its state.
    const widest = Math.max(...jobGraph.vertices.map(({ parallelism }) => parallelism));
    const spares = options.checkpoint === undefined ? 0 : Math.min(widest, SPARE_SLOTS_MAX);
    return workerHosts(MAX_SLOTS, options, { spares });
  }

  private end(failure: unknown): void {
    this.scaling.stop();
    for (const rows of this.rows.values()) rows.end(failure);
  }
}

function recoveryOf(failure: unknown, origin: LoadedCheckpoint | undefined): Omit<Recovery, "subtasks"> {
  const isKept = origin !== undefined && origin.location.kind !== "memory";
  const path = isKept ? placeOf(origin.location, origin.path) : undefined;
  const error = failure === undefined || MillraceError.is(failure) ? failure : fromData(toData(failure));
  return { error, checkpoint: origin?.manifest.checkpoint, path };
}
