/**
 * What a slot's settings are worth: each of them as it is by default against what else it could be, everything else
 * equal; runs interleaved, medians of pairwise ratios. Above 1: the default is faster, or takes less.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BUFFER_TIMEOUT_MS } from "../../lib/host/presets.js";
import { median, rounded } from "../measure.js";
import { Report } from "../report.js";
import { frameRows } from "./frame-rows.js";
import type { SlotsParams } from "./job.js";
import type { OneRun, OneTask } from "./one-run.js";

export interface SlotsSuiteOptions {
  /** Of "young", "collector", "frame", "ring", "timeout". */
  readonly rows: readonly string[];
  readonly records: number;
  readonly pairs: number;
  readonly seconds: number;
  readonly json: boolean;
}

interface Choice {
  readonly setting: string;
  readonly flags: readonly string[];
  readonly options: OneTask["options"];
}

const ONE_RUN = fileURLToPath(new URL("./one-run.js", import.meta.url));
const ALONE = "--single-threaded-gc";
const KEYS = 500_000;
const TRICKLE_RATE = 5_000;

export async function slots(options: SlotsSuiteOptions): Promise<void> {
  const report = new Report(options.json);
  const { rows } = options;
  const common = { parallelism: 2 };
  const young = (preset: "throughput" | "latency"): Choice => ({
    setting: `preset ${preset}`,
    flags: [],
    options: { ...common, preset },
  });
  const collector = (flags: readonly string[]): Choice => ({
    setting: flags.length > 0 ? "collects on its own core" : "collects with helper threads",
    flags,
    options: common,
  });
  const timeout = (ms: number): Choice => ({
    setting: `batches wait ${ms} ms`,
    flags: [],
    options: { ...common, bufferTimeout: ms },
  });
  for (const job of ["retained", "passing"] as const) {
    const params: SlotsParams = { job, records: options.records, keys: KEYS, rate: 0, splits: 2 };
    if (rows.includes("young")) {
      report.row(await against(params, young("throughput"), young("latency"), options));
    }
    if (rows.includes("collector")) {
      report.row(await against(params, collector([]), collector([ALONE]), options));
    }
  }
  if (rows.includes("timeout")) {
    const params: SlotsParams = { job: "trickle", records: 0, keys: 1, rate: TRICKLE_RATE, splits: 2 };
    for (const other of [0, 10]) {
      report.row(await against(params, timeout(BUFFER_TIMEOUT_MS), timeout(other), options));
    }
  }
  const frames = rows.filter((row) => row === "frame" || row === "ring");
  if (frames.length > 0) for (const row of await frameRows(frames, options.pairs)) report.row(row);
}

async function against(
  params: SlotsParams,
  chosen: Choice,
  other: Choice,
  { pairs, seconds }: SlotsSuiteOptions,
) {
  const ours: OneRun[] = [];
  const others: OneRun[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const sides = [
      async () => ours.push(await once(params, chosen, seconds)),
      async () => others.push(await once(params, other, seconds)),
    ];
    // Whichever comes first finds the machine as the last pair left it.
    if (pair % 2 === 1) sides.reverse();
    for (const side of sides) await side();
  }
  const ratio = (of: (run: OneRun) => number) =>
    rounded(median(others.map((run, i) => of(run) / of(ours[i]!))), 3);
  const both = (of: (run: OneRun) => number) =>
    [ours, others].map((runs) => rounded(median(runs.map(of)), 2)) as [number, number];
  const about = { suite: "slots", job: params.job, setting: chosen.setting, instead: other.setting, pairs };
  if (params.job === "trickle") {
    const [delayMsP50, delayMsP50Instead] = both((run) => run.delayMsP50);
    const [delayMsP99, delayMsP99Instead] = both((run) => run.delayMsP99);
    const cpuRatio = ratio(({ cpuMs }) => cpuMs);
    return { ...about, cpuRatio, delayMsP50, delayMsP50Instead, delayMsP99, delayMsP99Instead };
  }
  const [wallMs, wallMsInstead] = both((run) => run.wallMs);
  const [longestRoundMs, longestRoundMsInstead] = both((run) => run.longestRoundMs);
  return {
    ...about,
    wallRatio: ratio((run) => run.wallMs),
    cpuRatio: ratio((run) => run.cpuMs),
    wallMs,
    wallMsInstead,
    longestRoundMs,
    longestRoundMsInstead,
  };
}

async function once(params: SlotsParams, { flags, options }: Choice, seconds: number): Promise<OneRun> {
  const task: OneTask = { params, options, seconds };
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, ONE_RUN, JSON.stringify(task)]);
  return JSON.parse(stdout) as OneRun;
}
