/** What the flags and the configuration file of `millrace run` mean. Flags win. */
import type { Duration } from "../base/duration.js";
import { MillraceError } from "../base/error.js";
import type { RestartOptions } from "../checkpoint/restart-strategy.js";
import type { CheckpointOptions } from "../coordinator/checkpoint-settings.js";
import type { RunOptions } from "../engine.js";
import { readConfig } from "./config-file.js";
import { parseRestart } from "./restart-flag.js";

/** The flags of `millrace run` as the parser of the command line gives them. */
export interface RunFlags {
  readonly parallelism?: string;
  readonly maxParallelism?: string;
  readonly reactive?: boolean;
  readonly reactiveMax?: string;
  readonly stabilisation?: string;
  readonly minIncrease?: string;
  readonly param: readonly string[];
  readonly inline?: boolean;
  readonly explain?: boolean | "tree" | "mermaid" | "json";
  readonly json?: boolean;
  readonly config?: string;
  readonly hangTimeout?: string;
  readonly slotHeap?: string;
  readonly preset?: "throughput" | "latency";
  readonly frozenRecords?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly checkpointDir?: string;
  readonly checkpointInterval?: string;
  readonly unaligned?: boolean;
  readonly alignedTimeout?: string;
  readonly checkpointTimeout?: string;
  readonly atLeastOnce?: boolean;
  readonly retain?: boolean;
  readonly numRetained?: string;
  readonly debloat?: string;
  readonly restart?: string;
  readonly stateBackend?: string;
  readonly from?: string;
  readonly allowNonRestoredState?: boolean;
  readonly resume?: boolean;
}

/** The launcher takes checkpoints where it is given a folder for them; the embedding program says how often. */
const DEFAULT_INTERVAL = "10s";

/** Throws OPTION_INVALID. */
export function runOptions(flags: RunFlags): RunOptions {
  const file = flags.config === undefined ? {} : readConfig(flags.config);
  const checkpoint = checkpointOptions(flags, file.checkpoint);
  const restart = flags.restart === undefined ? undefined : parseRestart(flags.restart);
  return {
    ...file,
    params: { ...file.params, ...paramsOf(flags.param) },
    ...given("parallelism", flags.parallelism, parallelismOf),
    ...given("maxParallelism", flags.maxParallelism, wholeNumber),
    ...given("reactive", reactiveOf(flags, file.reactive)),
    ...given("inline", flags.inline),
    ...given("hangTimeout", flags.hangTimeout as Duration | undefined),
    ...given("slotHeapMb", flags.slotHeap, wholeNumber),
    ...given("preset", flags.preset),
    ...given("frozenRecords", flags.frozenRecords),
    ...given("debloat", debloatOf(flags.debloat, file.debloat)),
    ...given("checkpoint", checkpoint),
    ...given<"restart", RestartOptions>("restart", restart),
    ...given("stateBackend", flags.stateBackend),
    ...given("from", flags.from),
    ...given("allowNonRestoredState", flags.allowNonRestoredState),
    ...given("resume", flags.resume),
  };
}

function checkpointOptions(
  flags: RunFlags,
  file: CheckpointOptions | undefined,
): CheckpointOptions | undefined {
  const options = {
    ...file,
    ...given("dir", flags.checkpointDir),
    ...given("interval", flags.checkpointInterval as Duration | undefined),
    ...given("unaligned", flags.alignedTimeout === undefined ? flags.unaligned : true),
    ...given("alignedTimeout", flags.alignedTimeout as Duration | undefined),
    ...given("timeout", flags.checkpointTimeout as Duration | undefined),
    ...given("mode", flags.atLeastOnce === true ? ("at-least-once" as const) : undefined),
    ...given("retention", flags.retain === true ? ("retain" as const) : undefined),
    ...given("numRetained", flags.numRetained, wholeNumber),
  };
  const names = Object.keys(options);
  if (names.length === 0) return undefined;
  if (options.interval !== undefined) return options;
  if (options.dir !== undefined) return { ...options, interval: DEFAULT_INTERVAL };
  throw new MillraceError("OPTION_INVALID", `checkpoints with ${names.join(", ")}, but nowhere and never`, {
    hint: "Add --checkpoint-dir <dir>; without one --checkpoint-interval keeps checkpoints in memory.",
  });
}

/** Whoever says how a job is reactive wants it to be. */
function reactiveOf(flags: RunFlags, file: RunOptions["reactive"]): RunOptions["reactive"] {
  const options = {
    ...given("maxParallelism", flags.reactiveMax, wholeNumber),
    ...given("stabilisation", flags.stabilisation as Duration | undefined),
    ...given("minIncrease", flags.minIncrease, wholeNumber),
  };
  if (Object.keys(options).length > 0) return { ...(typeof file === "object" ? file : {}), ...options };
  return flags.reactive === true && typeof file !== "object" ? true : file;
}

/** A target on the command line leaves the file's other options as they are. */
function debloatOf(flag: string | undefined, file: RunOptions["debloat"]): RunOptions["debloat"] {
  if (flag === undefined) return file;
  return flag === "off" ? false : { ...(file === false ? {} : file), target: flag as Duration };
}

/** `{ [name]: value }` where there is one. */
function given<K extends string, T>(name: K, value: T | undefined): Partial<Record<K, T>>;
function given<K extends string, S, T>(
  name: K,
  value: S | undefined,
  parse: (value: S) => T,
): Partial<Record<K, T>>;
function given(name: string, value: unknown, parse = (each: unknown): unknown => each): object {
  return value === undefined ? {} : { [name]: parse(value) };
}

function parallelismOf(text: string): number | "auto" {
  return text === "auto" ? text : wholeNumber(text);
}

function paramsOf(params: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    params.map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw new MillraceError("OPTION_INVALID", `--param ${text}: expected key=value`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** NaN for anything else: what the number is for refuses it by name. */
function wholeNumber(text: string): number {
  const value = Number(text);
  return text.trim() === "" ? Number.NaN : value;
}
