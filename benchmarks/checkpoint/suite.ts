/**
 * What checkpoints cost, against the same job without them: runs interleaved in one process, threads alive
 * between runs, medians of pairwise ratios.
 */
import { openSession, type Session } from "../../lib/index.js";
import { median, quantile, rounded } from "../measure.js";
import { Report } from "../report.js";
import type { CheckpointParams } from "./job.js";
import { restart } from "./restart.js";
import { type SeenCheckpoint, type Watched, watch } from "./watched-run.js";

export interface CheckpointSuiteOptions {
  /** Of "sum", "value", "map", "pressure", "restart". */
  readonly rows: readonly string[];
  readonly keys: number;
  readonly rate: number;
  readonly parallelism: readonly number[];
  readonly pairs: number;
  readonly seconds: number;
  readonly json: boolean;
}

const STATES = ["sum", "value", "map"] as const;
const INTERVAL_MS = 1000;
/** Of the keys, where few are touched between checkpoints. */
const TOUCHED_SHARE = 0.01;
/** Records a second that a subtask of the slow sink takes. */
const SINK_RATE = 20_000;

export async function checkpoint(options: CheckpointSuiteOptions): Promise<void> {
  const report = new Report(options.json);
  await using session = openSession();
  for (const parallelism of options.parallelism) {
    for (const state of STATES) {
      if (options.rows.includes(state)) report.row(await cost(session, state, parallelism, options));
    }
    if (options.rows.includes("pressure")) {
      for (const unaligned of [false, true]) {
        report.row(await pressure(session, unaligned, parallelism, options));
      }
    }
  }
  if (options.rows.includes("restart")) for (const row of await restart(options)) report.row(row);
}

function paramsOf(
  state: CheckpointParams["state"],
  parallelism: number,
  { keys, rate }: CheckpointSuiteOptions,
): Omit<CheckpointParams, "folder"> {
  return { state, keys, touched: keys, rate, splits: parallelism, sinkRate: 0, crashAt: 0 };
}

async function cost(
  session: Session,
  state: CheckpointParams["state"],
  parallelism: number,
  options: CheckpointSuiteOptions,
) {
  const params = paramsOf(state, parallelism, options);
  const common = { params, options: { parallelism }, seconds: options.seconds };
  const taken = { interval: INTERVAL_MS };
  const without: Watched[] = [];
  const with_: Watched[] = [];
  for (let pair = 0; pair < options.pairs; pair++) {
    const sides = [
      async () => without.push(await watch(session, { ...common, checkpoint: undefined })),
      async () => with_.push(await watch(session, { ...common, checkpoint: taken })),
    ];
    // Whichever comes first finds the machine as the last pair left it.
    if (pair % 2 === 1) sides.reverse();
    for (const side of sides) await side();
  }
  const few = await watch(session, {
    ...common,
    params: { ...params, touched: Math.ceil(params.keys * TOUCHED_SHARE) },
    checkpoint: taken,
  });
  const checkpoints = with_.flatMap((run) => run.checkpoints);
  const longer = with_.map(({ longestRoundMs }, i) => longestRoundMs - without[i]!.longestRoundMs);
  const ratios = with_.map(({ cpuNsPerRecord }, i) => cpuNsPerRecord / without[i]!.cpuNsPerRecord);
  const full = Math.max(...with_.map(({ largestBytes }) => largestBytes), few.largestBytes);
  const fewBytes = median(few.checkpoints.map(({ bytes }) => bytes));
  return {
    suite: "checkpoint",
    state,
    parallelism,
    keys: params.keys,
    recordsPerSecond: Math.round(median(with_.map(({ records }) => records / options.seconds))),
    cpuNsPerRecordWithout: rounded(median(without.map((run) => run.cpuNsPerRecord)), 0),
    cpuNsPerRecord: rounded(median(with_.map((run) => run.cpuNsPerRecord)), 0),
    cpuRatio: rounded(median(ratios), 3),
    longestRoundMsWithout: rounded(median(without.map((run) => run.longestRoundMs)), 1),
    longestRoundMs: rounded(median(with_.map((run) => run.longestRoundMs)), 1),
    longestRoundLongerMs: rounded(median(longer), 1),
    ...durations(checkpoints),
    checkpoints: checkpoints.length,
    fullBytes: full,
    onePercentBytes: fewBytes,
    onePercentShare: rounded(fewBytes / full, 4),
  };
}

/** The sink takes less than what comes: barriers wait behind records, or overtake them. */
async function pressure(
  session: Session,
  unaligned: boolean,
  parallelism: number,
  options: CheckpointSuiteOptions,
) {
  const keys = Math.min(options.keys, 10_000);
  const params = {
    ...paramsOf("sum", parallelism, options),
    keys,
    touched: keys,
    sinkRate: SINK_RATE,
  };
  const run = await watch(session, {
    params,
    options: { parallelism },
    checkpoint: { interval: INTERVAL_MS, unaligned },
    seconds: options.seconds * 2,
  });
  return {
    suite: "checkpoint",
    state: "pressure",
    parallelism,
    alignment: unaligned ? "unaligned" : "aligned",
    recordsPerSecond: Math.round(run.records / (options.seconds * 2)),
    ...durations(run.checkpoints),
    checkpoints: run.checkpoints.length,
  };
}

function durations(checkpoints: readonly SeenCheckpoint[]) {
  const ms = checkpoints.map((each) => each.ms);
  return { checkpointMsP50: quantile(ms, 0.5), checkpointMsP99: quantile(ms, 0.99) };
}
