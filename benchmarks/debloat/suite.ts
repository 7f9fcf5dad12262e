/**
 * Buffer debloating under steady back pressure (after Flink's CheckpointingTimeBenchmark), against the same job without
 * it: how long checkpoints take, what is in flight, whether the receiver is kept busy; and how soon limits follow.
 */
import { writeFileSync } from "node:fs";
import { openSession, type RunOptions, type Session } from "../../lib/index.js";
import { median, quantile, rounded } from "../measure.js";
import { Report, type Row } from "../report.js";
import { cost } from "./cost.js";
import { type Panel, type Series, svg } from "./plot.js";
import { type SeenCheckpoint, WatchedJob, type WatchedOptions } from "./watched-job.js";

export interface DebloatSuiteOptions {
  /** Of "pressure", "change", "skewed", "inputs", "cost". */
  readonly rows: readonly string[];
  readonly parallelism: readonly number[];
  /** Checkpoints of each row. */
  readonly checkpoints: number;
  /** Of the cost, against the same without debloating. */
  readonly pairs: number;
  readonly json: boolean;
  /** Where limits, bytes in flight and checkpoints are drawn; absent: nowhere. */
  readonly plot: string | undefined;
}

type Draw = (panel: Panel) => void;

const COST_US = 200;
/** Both records of the two inputs at less than the most a channel may have. */
const COST_TWO_US = 2000;
/** Exchanges between the source and the sink. */
const EXCHANGES = 2;
const SETTLE_MS = 4000;
/** What was in flight before the limits were known is taken by then. */
const SETTLE_MS_MAX = 20_000;
/** Flink's 10 buffers of 32 KiB a channel are what a channel has without. */
const SETTINGS: readonly (readonly [name: string, debloat: RunOptions["debloat"], targetMs: number])[] = [
  ["off", false, 0],
  ["1s", { target: "1s" }, 1000],
  ["300ms", { target: "300ms" }, 300],
];

export async function debloat(options: DebloatSuiteOptions): Promise<void> {
  const report = new Report(options.json);
  await using session = openSession();
  const panels: Panel[] = [];
  const draw: Draw = (panel) => panels.push(panel);
  const wants = (row: string) => options.rows.includes(row);
  for (const parallelism of options.parallelism) {
    for (const alignment of wants("pressure") ? (["aligned", "unaligned"] as const) : []) {
      for (const row of await pressure(session, alignment, parallelism, options, draw)) report.row(row);
    }
  }
  if (wants("change")) for (const row of await change(session, draw)) report.row(row);
  if (wants("skewed")) report.row(await inputs(session, "union", COST_US));
  if (wants("inputs")) report.row(await inputs(session, "two inputs", COST_TWO_US));
  if (wants("cost")) for (const row of await cost(session, options.pairs)) report.row(row);
  if (options.plot !== undefined) writeFileSync(options.plot, svg(panels));
}

interface Pressure {
  readonly checkpoints: readonly SeenCheckpoint[];
  readonly inFlightOverTime: Series["points"];
  readonly persisted: number;
  readonly inFlight: number;
  readonly recordsPerSecond: number;
}

async function pressure(
  session: Session,
  alignment: "aligned" | "unaligned",
  parallelism: number,
  { checkpoints }: DebloatSuiteOptions,
  draw: Draw,
): Promise<Row[]> {
  const rows: Row[] = [];
  const [durationsOverTime, bytesOverTime]: [Series[], Series[]] = [[], []];
  let off: Pressure | undefined;
  for (const [name, debloat, targetMs] of SETTINGS) {
    const seen = await underPressure(session, checkpoints, {
      params: { shape: "pipeline", secondRate: 0 },
      costUs: COST_US,
      parallelism,
      debloat,
      checkpoint: { interval: 100, minPause: 100, unaligned: alignment === "unaligned" },
    });
    off ??= seen;
    const durations = seen.checkpoints.map(({ duration }) => duration);
    const [p50, p99] = [quantile(durations, 0.5), quantile(durations, 0.99)];
    const points = seen.checkpoints.map(({ ms, duration }) => [ms, duration] as const);
    durationsOverTime.push({ name, points, dots: true });
    bytesOverTime.push({ name, points: seen.inFlightOverTime });
    rows.push({
      suite: "debloat",
      row: "pressure",
      alignment,
      parallelism,
      debloat: name,
      checkpointMsP50: rounded(p50, 0),
      checkpointMsP99: rounded(p99, 0),
      checkpoints: durations.length,
      p50OfTargets: targetMs === 0 ? 0 : rounded(p50 / (EXCHANGES * targetMs)),
      p99OfTargets: targetMs === 0 ? 0 : rounded(p99 / (EXCHANGES * targetMs)),
      bytesInFlight: rounded(seen.inFlight, 0),
      inFlightDown: rounded(1 - seen.inFlight / off.inFlight, 3),
      channelStateBytes: seen.persisted,
      channelStateDown: off.persisted === 0 ? 0 : rounded(1 - seen.persisted / off.persisted, 3),
      recordsPerSecond: rounded(seen.recordsPerSecond, 0),
      throughputOfOff: rounded(seen.recordsPerSecond / off.recordsPerSecond, 3),
    });
  }
  const title = `${alignment}, parallelism ${parallelism}`;
  draw({ title: `Checkpoints, ${title}`, unit: "ms", series: durationsOverTime });
  draw({ title: `In flight, ${title}`, unit: "bytes", series: bytesOverTime });
  return rows;
}

async function underPressure(session: Session, wanted: number, given: WatchedOptions): Promise<Pressure> {
  const job = await WatchedJob.start(session, given);
  try {
    await job.forMs(SETTLE_MS);
    if (given.debloat !== false) await job.look(() => job.isSettled, SETTLE_MS_MAX);
    const [records, begin, first] = [job.sum("recordsIn", job.last), job.now, job.samples.length];
    // Without debloating one takes seconds.
    const checkpoints = await job.take(wanted, wanted * 1500);
    const seconds = (job.now - begin) / 1000;
    return {
      checkpoints,
      inFlightOverTime: job.samples.map(({ ms, inFlight }) => [ms, inFlight]),
      persisted: median(checkpoints.map(({ persisted }) => persisted)),
      inFlight: median(job.samples.slice(first).map(({ inFlight }) => inFlight)),
      recordsPerSecond: (job.sum("recordsIn", job.last) - records) / seconds,
    };
  } finally {
    await job.end();
  }
}

/** What the sink's vertex ought to have in flight: what it takes in the target time, as it comes. */
function ideal(job: WatchedJob, costUs: number, targetMs: number): number {
  const recordBytes = job.sum("bytesIn", job.last) / job.sum("recordsIn", job.last);
  return (1e6 / costUs) * recordBytes * (targetMs / 1000);
}

const NEAR = 0.25;

/** How soon the limit is near what it ought to be when the sink takes a tenth, and ten times as much. */
async function change(session: Session, draw: Draw): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, debloat, targetMs] of SETTINGS.slice(1)) {
    const job = await WatchedJob.start(session, {
      params: { shape: "pipeline", secondRate: 0 },
      costUs: COST_US,
      parallelism: 1,
      debloat,
      checkpoint: undefined,
    });
    const limit = () => job.sum("debloatedBufferSize", job.last);
    try {
      await job.forMs(SETTLE_MS);
      for (const costUs of [COST_US * 10, COST_US, COST_US * 10, COST_US]) {
        const wanted = ideal(job, costUs, targetMs);
        const begin = job.now;
        job.costUs = costUs;
        const isNear = await job.look(() => Math.abs(limit() / wanted - 1) <= NEAR, 5000, 2);
        const nearMs = job.now - begin;
        await job.forMs(2000);
        rows.push({
          suite: "debloat",
          row: "change",
          debloat: name,
          sink: costUs > COST_US ? "10x slower" : "10x faster",
          nearMs: isNear ? rounded(nearMs, 0) : -1,
          limit: limit(),
          ideal: rounded(wanted, 0),
        });
      }
      draw({
        title: `A sink that is 10x slower and faster in turn, target ${name}`,
        unit: "bytes",
        series: [
          { name: "limit of the sink's channel", points: job.samples.map(({ ms, limit }) => [ms, limit]) },
          { name: "in flight before it", points: job.samples.map(({ ms, before }) => [ms, before]) },
        ],
      });
    } finally {
      await job.end();
    }
  }
  return rows;
}

/** Two channels into one sink: what each may have in flight, against what is taken from it in the target time. */
async function inputs(session: Session, shape: "union" | "two inputs", costUs: number): Promise<Row> {
  const targetMs = 300;
  const job = await WatchedJob.start(session, {
    params: { shape, secondRate: shape === "union" ? 250 : 0 },
    costUs,
    parallelism: 1,
    debloat: { target: targetMs },
    checkpoint: { interval: 500 },
  });
  try {
    await job.forMs(SETTLE_MS);
    await job.look(() => job.isSettled, SETTLE_MS_MAX);
    await job.forMs(SETTLE_MS);
    const names = ["source", "second"];
    const before = names.map((name) => job.sum("bytesOut", name));
    const begin = job.now;
    const credits = names.map(() => [] as number[]);
    const records = job.sum("recordsIn", job.last);
    await job.look(() => {
      for (const [i, name] of names.entries()) credits[i]!.push(job.sum("creditBytes", name));
      return false;
    }, 5000);
    const seconds = (job.now - begin) / 1000;
    const rates = names.map((name, i) => (job.sum("bytesOut", name) - before[i]!) / seconds);
    const ofIdeal = credits.map((each, i) => median(each) / ((rates[i]! * targetMs) / 1000));
    const durations = [...job.checkpoints.values()]
      .filter(({ ms }) => ms > begin)
      .map((each) => each.duration);
    return {
      suite: "debloat",
      row: shape === "union" ? "skewed" : shape,
      debloat: "300ms",
      firstBytesPerSecond: rounded(rates[0]!, 0),
      secondBytesPerSecond: rounded(rates[1]!, 0),
      firstLimit: median(credits[0]!),
      secondLimit: median(credits[1]!),
      firstOfIdeal: rounded(ofIdeal[0]!),
      secondOfIdeal: rounded(ofIdeal[1]!),
      recordsPerSecond: rounded((job.sum("recordsIn", job.last) - records) / seconds, 0),
      checkpointMsP50: rounded(quantile(durations, 0.5), 0),
      checkpointMsP99: rounded(quantile(durations, 0.99), 0),
    };
  } finally {
    await job.end();
  }
}
