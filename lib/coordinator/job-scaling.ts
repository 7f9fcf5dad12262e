/**
 * The parallelism of a running job: carries out, one after the other, what users ask for and, in a reactive job, what
 * the policy decides from looks at the machine. A thin shell around scaling-policy.ts.
 */
import type { Clock } from "../base/clock.js";
import { fromData, MillraceError, toData } from "../base/error.js";
import type { Scheduler } from "../base/scheduler.js";
import type { Machine } from "../planner/hosts.js";
import { mostParallelism } from "../planner/plan.js";
import type { Plan } from "../protocol/program.js";
import { INITIAL_SCALING, type RescaledBy, type ScalingEvent, scalingStep } from "./scaling-policy.js";
import type { ReactiveSettings } from "./scaling-settings.js";

/** What became of `job.rescale`. */
export interface Rescaled {
  readonly parallelism: number;
  /** How long no record was processed, ms. */
  readonly pauseMs: number;
}

/** A job was rescaled, or could not follow what it may use. */
export interface Rescaling extends Rescaled {
  /** The parallelism before; with `error` it still is. */
  readonly from: number;
  /** "request": somebody asked for it. "resources": the job is reactive, and what it may use has changed. */
  readonly cause: "request" | "resources";
  /** Cores it may use. */
  readonly cores: number;
  /** When it ended, wall ms. */
  readonly at: number;
  /** Why it could not be; the job goes on as it was, and tries again later. Who asked is told by the answer. */
  readonly error: MillraceError | undefined;
}

/** The job, as far as it matters here. */
export interface ScalableJob {
  readonly state: string;
  readonly plan: Plan;
  readonly parallelism: number;
  rescale(parallelism: number, machine: Machine): Promise<number>;
}

/** What there is now. `unreadable` says where there may be less than it seems. */
export interface Available {
  readonly machine: Machine;
  readonly unreadable: readonly string[];
}

export interface JobScalingOptions {
  readonly job: ScalableJob;
  /** Undefined: the job is rescaled by hand only. */
  readonly reactive: ReactiveSettings | undefined;
  readonly available: () => Available;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Must not throw. */
  readonly onRescale: (rescaling: Rescaling) => void;
}

/** The parallelism of a job that is started with these cores. */
export function targetOf(cores: number, plan: Plan, asked = Number.POSITIVE_INFINITY): number | undefined {
  const most = mostParallelism(plan);
  return most === undefined ? undefined : Math.max(1, Math.floor(Math.min(cores, most, asked)));
}

export class JobScaling {
  /** The last that was carried out. */
  last: Rescaling | undefined;
  private readonly given: JobScalingOptions;
  private state = INITIAL_SCALING;
  private machine: Machine;
  /** It was said that nobody knows how much there is. */
  private isLost = false;
  /** Rescales, one after the other. */
  private turn: Promise<unknown> = Promise.resolve();
  private readonly endLooking: () => void;

  constructor(given: JobScalingOptions) {
    this.given = given;
    this.machine = given.available().machine;
    const { reactive, scheduler } = given;
    this.endLooking =
      reactive === undefined ? () => undefined : scheduler.every(reactive.pollMs, () => this.look());
  }

  /** The job has ended. */
  stop(): void {
    this.endLooking();
  }

  /**
   * Rescales to a number, which a reactive job then keeps, or to what there is ("auto"), which a reactive job follows
   * from then on. Throws what the job throws; for "auto" also RESOURCES_UNREADABLE.
   */
  rescale(wanted: number | "auto"): Promise<Rescaled> {
    this.step({ kind: "asked" });
    return this.carryOut(wanted === "auto" ? "auto" : "number", () => {
      if (wanted !== "auto") return wanted;
      this.read();
      return this.target() ?? this.given.job.parallelism;
    });
  }

  /** Throws OPTION_INVALID where nobody follows what there is. */
  requireReactive(): void {
    if (this.given.reactive !== undefined) return;
    throw new MillraceError("OPTION_INVALID", "the job does not follow its resources", {
      job: this.given.job.plan.jobGraph.job,
      hint: 'Start it with `reactive`, or call job.rescale("auto").',
    });
  }

  /** Sees what there is, and lets the policy decide. Does nothing where the job is not reactive. */
  look(): void {
    const { reactive, clock, job } = this.given;
    if (reactive === undefined) return;
    let isKnown = true;
    try {
      this.read();
      this.isLost = false;
    } catch (error) {
      isKnown = false;
      if (!this.isLost) this.tell({ from: job.parallelism, pauseMs: 0, cause: "resources" }, error);
      this.isLost = true;
    }
    const target = this.target();
    const running = isKnown && job.state === "running" && target !== undefined;
    const { parallelism } = job;
    const decided = this.step({
      kind: "looked",
      at: clock.steady(),
      running,
      parallelism,
      target: target ?? parallelism,
    });
    // Who is told of it decides nothing here.
    if (decided !== undefined) this.carryOut("policy", () => decided).catch(() => undefined);
  }

  private read(): void {
    const { machine, unreadable } = this.given.available();
    if (unreadable.length > 0) {
      const what = `nobody understands ${unreadable.join(", ")}: how many cores the job may use is not known`;
      throw new MillraceError("RESOURCES_UNREADABLE", what, { job: this.given.job.plan.jobGraph.job });
    }
    this.machine = machine;
  }

  private target(): number | undefined {
    const { job, reactive } = this.given;
    return targetOf(this.machine.cpu, job.plan, reactive?.maxParallelism);
  }

  private step(event: ScalingEvent): number | undefined {
    const { reactive } = this.given;
    if (reactive === undefined) return undefined;
    const { state, rescaleTo } = scalingStep(this.state, event, reactive);
    this.state = state;
    return rescaleTo;
  }

  private carryOut(by: RescaledBy, wanted: () => number): Promise<Rescaled> {
    const answer = this.turn.then(() => this.rescaleBy(by, wanted));
    this.turn = answer.catch(() => undefined);
    return answer;
  }

  private async rescaleBy(by: RescaledBy, wanted: () => number): Promise<Rescaled> {
    const { job, clock } = this.given;
    const from = job.parallelism;
    const cause = by === "policy" ? "resources" : "request";
    try {
      const parallelism = wanted();
      const isThere = by === "auto" && parallelism === from;
      const pauseMs = isThere ? 0 : await job.rescale(parallelism, this.machine);
      this.step({ kind: "rescaled", by });
      if (!isThere) this.tell({ from, pauseMs, cause });
      return { parallelism, pauseMs };
    } catch (error) {
      this.step({ kind: "failed", by, at: clock.steady() });
      // A job that has failed meanwhile says so itself.
      if (by === "policy" && job.state === "running") this.tell({ from, pauseMs: 0, cause }, error);
      throw error;
    }
  }

  private tell(what: Pick<Rescaling, "from" | "pauseMs" | "cause">, error?: unknown): void {
    const { job, clock, onRescale } = this.given;
    const known = error === undefined || MillraceError.is(error) ? error : fromData(toData(error));
    const { parallelism } = job;
    const told = { ...what, parallelism, cores: this.machine.cpu, at: clock.now(), error: known };
    if (known === undefined) this.last = told;
    onRescale(told);
  }
}
