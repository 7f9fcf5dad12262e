/** `millrace run`: runs one job to its end, printing rows to stdout and everything else to stderr. */
import { readFileSync } from "node:fs";
import type { Duration } from "../base/duration.js";
import { MillraceError, messageOf } from "../base/error.js";
import { explain, type Job, type RunOptions, run } from "../engine.js";
import { explainMermaid, explainTree } from "../planner/explain.js";
import { showProgress } from "./progress.js";

export interface RunFlags {
  readonly parallelism?: string;
  readonly maxParallelism?: string;
  readonly param: readonly string[];
  readonly inline?: boolean;
  readonly explain?: boolean | "tree" | "mermaid" | "json";
  readonly json?: boolean;
  readonly config?: string;
  readonly hangTimeout?: string;
  readonly slotHeap?: string;
  readonly preset?: "throughput" | "latency";
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Runs the job; answers the exit code. Rejects with what ended it. */
export async function runJob(module: string, flags: RunFlags): Promise<number> {
  const options = optionsOf(flags);
  if (flags.explain !== undefined) {
    const graph = await explain(module, options);
    const format = flags.explain === true ? "tree" : flags.explain;
    const text =
      format === "json"
        ? `${JSON.stringify(graph, null, 2)}\n`
        : format === "mermaid"
          ? explainMermaid(graph)
          : explainTree(graph);
    process.stdout.write(text);
    return 0;
  }
  const job = await run(module, options);
  let signalled = 0;
  const onSignal = (code: number) => () => {
    if (signalled !== 0) process.exit(code);
    signalled = code;
    process.stderr.write("stopping: unfinished output is thrown away (again to exit at once)\n");
    void job.cancel();
  };
  process.on("SIGINT", onSignal(130));
  process.on("SIGTERM", onSignal(143));
  if (process.channel !== undefined) process.on("disconnect", () => void job.cancel());
  const stopProgress = flags.quiet === true || flags.json === true ? () => undefined : showProgress(job);
  try {
    await Promise.all([job.completed, printRows(job)]);
  } catch (error) {
    if (signalled !== 0 && MillraceError.is(error) && error.code === "JOB_CANCELLED") return signalled;
    throw error;
  } finally {
    stopProgress();
    if (process.connected) process.disconnect();
  }
  if (flags.json === true) {
    const { records } = job.progress();
    const summary = { schemaVersion: 1, job: job.name, state: job.state, records, subtasks: job.metrics() };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
  }
  return 0;
}

/** Text rows as they are, everything else as JSON, one a line. */
async function printRows(job: Job): Promise<void> {
  const printAll = async (name: string) => {
    for await (const row of job.results<unknown>(name)) {
      const line = typeof row === "string" ? `${row}\n` : `${JSON.stringify(row)}\n`;
      if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once("drain", resolve));
    }
  };
  await Promise.all(job.sinks.map(printAll));
}

function optionsOf(flags: RunFlags): RunOptions {
  const file = flags.config === undefined ? {} : readConfig(flags.config);
  const params = { ...(file["params"] as object | undefined), ...paramsOf(flags.param) };
  return {
    ...file,
    params,
    ...(flags.parallelism === undefined ? {} : { parallelism: parallelismOf(flags.parallelism) }),
    ...(flags.hangTimeout === undefined ? {} : { hangTimeout: flags.hangTimeout as Duration }),
    ...(flags.inline === true ? { inline: true } : {}),
    ...(flags.maxParallelism === undefined ? {} : { maxParallelism: wholeNumber(flags.maxParallelism) }),
    ...(flags.slotHeap === undefined ? {} : { slotHeapMb: wholeNumber(flags.slotHeap) }),
    ...(flags.preset === undefined ? {} : { preset: flags.preset }),
  };
}

const CONFIG_KEYS = [
  "parallelism",
  "maxParallelism",
  "params",
  "inline",
  "hangTimeout",
  "bufferTimeout",
  "slotHeapMb",
  "preset",
];

function readConfig(path: string): Record<string, unknown> {
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new MillraceError("OPTION_INVALID", `--config ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (!isObject(config) || !isObject(config["params"] ?? {})) {
    const what = isObject(config) ? "params" : "the file";
    throw new MillraceError("OPTION_INVALID", `--config ${path}: ${what} is not an object`);
  }
  const unknown = Object.keys(config).filter((key) => !CONFIG_KEYS.includes(key));
  if (unknown.length === 0) return config;
  throw new MillraceError("OPTION_INVALID", `--config ${path}: unknown ${unknown.join(", ")}`, {
    hint: `Known are ${CONFIG_KEYS.join(", ")}.`,
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parallelismOf(text: string): number | "auto" {
  return text === "auto" ? text : wholeNumber(text);
}

function paramsOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw new MillraceError("OPTION_INVALID", `--param ${text}: expected key=value`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function wholeNumber(text: string): number {
  const value = Number(text);
  return text.trim() === "" ? Number.NaN : value;
}
