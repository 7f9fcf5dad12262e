/** How a reactive job follows what it may use: what users say, and what it means in ms. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import { RESCALE_COOLDOWN_MAX_MS, RESCALE_COOLDOWN_MS } from "../base/limits.js";
import type { ScalingSettings } from "./scaling-policy.js";

/** How a job follows the cores that it may use. */
export interface ReactiveOptions {
  /** Never more subtasks of an operator than that. Default: the key groups of the operators, see `maxParallelism`. */
  readonly maxParallelism?: number;
  /** So long must more cores have been there before the job takes them. Default "10s". */
  readonly stabilisation?: Duration;
  /** So long must there have been fewer before the job does with them. Default: a fifth of `stabilisation`. */
  readonly decreaseStabilisation?: Duration;
  /** A smaller increase is not worth the pause. Default 1. */
  readonly minIncrease?: number;
  /** Time between two looks at the limits of the control group. Default "1s". */
  readonly poll?: Duration;
}

export interface ReactiveSettings extends ScalingSettings {
  readonly maxParallelism: number;
  readonly pollMs: number;
}

/** Each look reads some small files. */
const POLL_LEAST_MS = 10;

/** What of a run's options matters here. */
interface RunOptions {
  readonly reactive?: ReactiveOptions | boolean;
  readonly parallelism?: number | "auto";
  readonly checkpoint?: unknown;
}

/** Undefined: the job is not reactive. Throws OPTION_INVALID, CHECKPOINTS_OFF. */
export function reactiveSettings(run: RunOptions): ReactiveSettings | undefined {
  const { reactive: given = false, parallelism = "auto" } = run;
  if (given === false) return undefined;
  if (given !== true && (typeof given !== "object" || given === null)) {
    refuse(`reactive is ${JSON.stringify(given)}; expected true, false or options`);
  }
  if (parallelism !== "auto") {
    refuse(`parallelism is ${parallelism}, and the job is reactive: its most is reactive.maxParallelism`);
  }
  // Flink restarts such a job without its state; nobody wants that of a change of cores.
  if (run.checkpoint === undefined) {
    throw new MillraceError(
      "CHECKPOINTS_OFF",
      "a reactive job goes on from checkpoints, and this one takes none",
    );
  }
  const options = given === true ? {} : given;
  const time = (name: keyof ReactiveOptions, fallback: Duration, least = 0) => {
    const ms = durationMs((options[name] as Duration | undefined) ?? fallback, `reactive.${name}`);
    if (!(ms >= least)) refuse(`reactive.${name} is ${ms} ms; at least ${least} ms`);
    return ms;
  };
  const stabilisationMs = time("stabilisation", "10s");
  return {
    stabilisationMs,
    decreaseMs: time("decreaseStabilisation", stabilisationMs / 5),
    minIncrease: count("minIncrease", options.minIncrease ?? 1),
    maxParallelism:
      options.maxParallelism === undefined
        ? Number.POSITIVE_INFINITY
        : count("maxParallelism", options.maxParallelism),
    pollMs: time("poll", "1s", POLL_LEAST_MS),
    cooldownMs: RESCALE_COOLDOWN_MS,
    cooldownMaxMs: RESCALE_COOLDOWN_MAX_MS,
  };
}

function count(name: keyof ReactiveOptions, value: number): number {
  if (!Number.isInteger(value) || value < 1) {
    refuse(`reactive.${name} is ${value}; expected a whole number from 1`);
  }
  return value;
}

function refuse(what: string): never {
  throw new MillraceError("OPTION_INVALID", what);
}
