/** How checkpoints are taken: what users say, and what it means in ms. */
import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { Retention } from "../checkpoint/retention.js";

/** When and how checkpoints are taken. */
export interface CheckpointOptions {
  /** Time between checkpoints; without it only a savepoint, and the final checkpoint of a bounded job, is taken. */
  readonly interval?: Duration;
  /** Folder of the checkpoints, or `s3://bucket/prefix`. Without one they are in memory, and gone with the process. */
  readonly dir?: string;
  /** "exactly-once" (default), or "at-least-once": barriers hold nothing back, records may count twice. */
  readonly mode?: "exactly-once" | "at-least-once";
  /** Barriers overtake records, which become part of the checkpoint: fast under back-pressure. Default false. */
  readonly unaligned?: boolean;
  /** With `unaligned`: begin aligned and overtake only after this long. Default 0: at once. */
  readonly alignedTimeout?: Duration;
  /** A checkpoint that takes longer is given up. Default "10m". */
  readonly timeout?: Duration;
  /** Least time between the end of a checkpoint and the begin of the next. Default 0. */
  readonly minPause?: Duration;
  /** Checkpoints under way at once. Default 1; unaligned ones are taken one at a time. */
  readonly maxConcurrent?: number;
  /** Failed checkpoints in a row that the job endures. Default 0. */
  readonly tolerableFailures?: number;
  /** Complete checkpoints that are kept. Default 1. */
  readonly numRetained?: number;
  /** What becomes of them when the job ends. Default: "delete". They are always kept while it may go on. */
  readonly retention?: Retention;
}

export interface CheckpointSettings {
  readonly intervalMs: number | undefined;
  readonly timeoutMs: number;
  readonly minPauseMs: number;
  readonly maxConcurrent: number;
  readonly tolerableFailures: number;
  readonly alignment: Barrier["alignment"];
  readonly alignedTimeoutMs: number;
  readonly numRetained: number;
  readonly retention: Retention;
}

/** Flink's least interval and timeout. */
const LEAST_MS = 10;

const RETENTIONS: readonly Retention[] = ["delete", "retain-on-failure", "retain"];

/** Throws OPTION_INVALID. */
export function checkpointSettings(options: CheckpointOptions): CheckpointSettings {
  const { mode = "exactly-once", unaligned = false, maxConcurrent = 1, numRetained = 1 } = options;
  const time = (name: keyof CheckpointOptions, fallback: Duration, least = 0) => {
    const ms = durationMs((options[name] as Duration | undefined) ?? fallback, `checkpoint.${name}`);
    if (ms < least) refuse(`checkpoint.${name} is ${ms} ms; at least ${least} ms`);
    return ms;
  };
  if (mode !== "exactly-once" && mode !== "at-least-once") refuse(`checkpoint.mode is "${mode as string}"`);
  const { retention = "delete" } = options;
  if (!RETENTIONS.includes(retention)) refuse(`checkpoint.retention is "${retention as string}"`);
  for (const [name, value, least] of [
    ["maxConcurrent", maxConcurrent, 1],
    ["numRetained", numRetained, 1],
    ["tolerableFailures", options.tolerableFailures ?? 0, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least) refuse(`checkpoint.${name} is ${value}`);
  }
  const alignedTimeoutMs = time("alignedTimeout", 0);
  // At-least-once has nothing to overtake: nothing is held back (Flink switches unaligned off there, too).
  const overtakes = unaligned && mode === "exactly-once";
  return {
    intervalMs: options.interval === undefined ? undefined : time("interval", 0, LEAST_MS),
    timeoutMs: time("timeout", "10m", LEAST_MS),
    minPauseMs: time("minPause", 0),
    maxConcurrent: overtakes ? 1 : maxConcurrent,
    tolerableFailures: options.tolerableFailures ?? 0,
    alignment:
      mode === "at-least-once" ? mode : overtakes && alignedTimeoutMs === 0 ? "unaligned" : "aligned",
    alignedTimeoutMs: overtakes ? alignedTimeoutMs : 0,
    numRetained,
    retention,
  };
}

function refuse(what: string): never {
  throw new MillraceError("OPTION_INVALID", what);
}
