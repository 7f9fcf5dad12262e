/** What users say about buffer debloating, and what it means. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import { CREDIT_BYTES } from "../base/limits.js";
import type { DebloatSettings } from "./debloating.js";

/**
 * How much a channel between threads may hold so that its receiver is through with it within a target time (FLIP-183).
 * Barriers of aligned checkpoints then take about that time for each exchange of the job, under back-pressure
 * too; unaligned checkpoints hold that much less of what is in flight.
 *
 * The names in brackets are Flink's, below `taskmanager.network.memory.buffer-debloat`.
 * @example
 * await run(job, { debloat: { target: "300ms" } });
 */
export interface DebloatOptions {
  /** What is in flight in a channel should be taken within this time (`target`). Default "1s". */
  readonly target?: Duration;
  /** Time between two measurements (`period`). Default "200ms", as from Flink 1.15 on. */
  readonly period?: Duration;
  /** Measurements that small changes are smoothed over (`samples`). Default 4, Flink's is 20. */
  readonly samples?: number;
  /** Changes of less than so many percent are not told the sender (`threshold-percentages`). Default 5, Flink's 25. */
  readonly threshold?: number;
  /** Least bytes of a channel (`taskmanager.memory.min-segment-size`). Default 256. */
  readonly minBytes?: number;
  /**
   * Most bytes of a channel. Default 320 KiB: Flink's 10 buffers (`buffers-per-channel` and
   * `floating-buffers-per-gate`) of 32 KiB (`taskmanager.memory.segment-size`). A ring holds 384 KiB at most.
   */
  readonly maxBytes?: number;
}

const KEYS: readonly string[] = ["target", "period", "samples", "threshold", "minBytes", "maxBytes"];

/** Undefined: channels are not debloated. Throws OPTION_INVALID. */
export function debloatSettings(options: DebloatOptions | false | undefined): DebloatSettings | undefined {
  if (options === false) return undefined;
  const { target = "1s", period = "200ms", samples = 4, threshold = 5 } = options ?? {};
  const { minBytes = 256, maxBytes = CREDIT_BYTES } = options ?? {};
  const unknown = Object.keys(options ?? {}).filter((key) => !KEYS.includes(key));
  if (unknown.length > 0) refuse(`unknown debloat.${unknown.join(", debloat.")}`);
  const targetMs = durationMs(target, "debloat.target");
  const periodMs = durationMs(period, "debloat.period");
  if (!(targetMs > 0)) refuse(`debloat.target is ${target}; expected more than 0 ms`);
  if (!(periodMs >= 1)) refuse(`debloat.period is ${period}; expected at least 1 ms`);
  for (const [name, value, least] of [
    ["samples", samples, 1],
    ["threshold", threshold, 0],
    ["minBytes", minBytes, 1],
    ["maxBytes", maxBytes, 1],
  ] as const) {
    if (!Number.isInteger(value) || value < least) {
      refuse(`debloat.${name} is ${value}; expected a whole number from ${least} on`);
    }
  }
  if (threshold > 100) refuse(`debloat.threshold is ${threshold}; expected at most 100 percent`);
  if (minBytes > maxBytes) refuse(`debloat.minBytes is ${minBytes}, more than debloat.maxBytes, ${maxBytes}`);
  return { targetMs, periodMs, samples, threshold, minBytes, maxBytes };
}

function refuse(what: string): never {
  throw new MillraceError("OPTION_INVALID", what);
}
