/** The file of `--config`: the options of a run as JSON, under the names they have in a program. */
import { readFileSync } from "node:fs";
import { MillraceError, messageOf } from "../base/error.js";
import type { CheckpointOptions } from "../coordinator/checkpoint-settings.js";
import type { ReactiveOptions } from "../coordinator/scaling-settings.js";
import type { RunOptions } from "../engine.js";
import type { ResourceOptions } from "../host/machine.js";
import { checkRestart } from "./restart-flag.js";

const KEYS: readonly (keyof RunOptions)[] = [
  "parallelism",
  "maxParallelism",
  "reactive",
  "params",
  "inline",
  "hangTimeout",
  "bufferTimeout",
  "latencyTracking",
  "debloat",
  "slotHeapMb",
  "resources",
  "preset",
  "frozenRecords",
  "checkpoint",
  "restart",
  "stateBackend",
  "from",
  "allowNonRestoredState",
  "resume",
];

const CHECKPOINT_KEYS: readonly (keyof CheckpointOptions)[] = [
  "interval",
  "dir",
  "mode",
  "unaligned",
  "alignedTimeout",
  "timeout",
  "minPause",
  "maxConcurrent",
  "tolerableFailures",
  "numRetained",
  "retention",
];

const RESOURCE_KEYS: readonly (keyof ResourceOptions)[] = ["cpu", "memoryMb", "external", "controlGroup"];

const REACTIVE_KEYS: readonly (keyof ReactiveOptions)[] = [
  "maxParallelism",
  "stabilisation",
  "decreaseStabilisation",
  "minIncrease",
  "poll",
];

/** Throws OPTION_INVALID: also for keys nobody knows, so that none is misspelt unseen. */
export function readConfig(path: string): RunOptions {
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new MillraceError("OPTION_INVALID", `--config ${path}: ${messageOf(error)}`, { cause: error });
  }
  const file = asObject(config, path, "the file");
  refuseUnknown(file, KEYS, path, "");
  asObject(file["params"] ?? {}, path, "params");
  const resources = asObject(file["resources"] ?? {}, path, "resources");
  refuseUnknown(resources, RESOURCE_KEYS, path, "resources.");
  asObject(resources["external"] ?? {}, path, "resources.external");
  refuseUnknown(asObject(file["checkpoint"] ?? {}, path, "checkpoint"), CHECKPOINT_KEYS, path, "checkpoint.");
  if (typeof file["reactive"] === "object") {
    refuseUnknown(asObject(file["reactive"], path, "reactive"), REACTIVE_KEYS, path, "reactive.");
  }
  if (file["restart"] !== undefined) {
    checkRestart(asObject(file["restart"], path, "restart"), `--config ${path}: restart`);
  }
  return file as RunOptions;
}

function asObject(value: unknown, path: string, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new MillraceError("OPTION_INVALID", `--config ${path}: ${what} is not an object`);
}

function refuseUnknown(
  options: Record<string, unknown>,
  known: readonly string[],
  path: string,
  prefix: string,
): void {
  const unknown = Object.keys(options).filter((key) => !known.includes(key));
  if (unknown.length === 0) return;
  const names = unknown.map((key) => `${prefix}${key}`).join(", ");
  throw new MillraceError("OPTION_INVALID", `--config ${path}: unknown ${names}`, {
    hint: `Known are ${known.join(", ")}.`,
  });
}
