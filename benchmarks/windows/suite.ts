/**
 * Windows, the operator alone: what a record costs where windows slide by a hundredth of their size against those that
 * slide by half of it, and in the general windows against those that share panes; what joins cost against a loop by
 * hand. Interleaved in one process, medians of pairwise ratios.
 */
import { windowAggregate } from "../../lib/api/added-windows.js";
import { count, max, sum } from "../../lib/operators/aggregates.js";
import type { OperatorLogic } from "../../lib/operators/contract.js";
import type { WindowAssigner } from "../../lib/operators/window-assigner.js";
import { session, sliding, tumbling } from "../../lib/time/windows.js";
import { type Measured, measure, median, rounded } from "../measure.js";
import { Report } from "../report.js";
import { joins } from "./joins.js";
import { operatorOf } from "./operator.js";

export interface WindowSuiteOptions {
  readonly records: number;
  readonly pairs: number;
  readonly json: boolean;
}

interface Reading {
  readonly key: number;
  readonly value: number;
}

const SIZE_MS = 10_000;
/** Records that come within a ms of event time. */
const RECORDS_PER_MS = 100;
const WATERMARK_EVERY_MS = 50;

const aggregates = {
  n: count<Reading>(),
  total: sum<Reading>(({ value }) => value),
  highest: max<Reading>(({ value }) => value),
};

const logicOf = (assigner: WindowAssigner, allowedLateness = 0) =>
  windowAggregate(
    "bench",
    { assigner, key: ({ key }: Reading) => key, options: { allowedLateness } },
    aggregates,
  ).logic;

export async function windows({ records, pairs, json }: WindowSuiteOptions): Promise<void> {
  const report = new Report(json);
  const half = () => logicOf(sliding({ size: SIZE_MS, slide: SIZE_MS / 2 }));
  const hundredth = () => logicOf(sliding({ size: SIZE_MS, slide: SIZE_MS / 100 }));
  for (const keys of [10, 100, 1000]) {
    const plan = { records, pairs, keys };
    report.row({ row: "slide of size/100 to size/2", keys, ...(await compared(half, hundredth, plan)) });
  }
  const plan = { records: records / 10, pairs, keys: 100 };
  const panes = () => logicOf(tumbling(SIZE_MS));
  report.row({
    row: "general windows to those with panes",
    keys: plan.keys,
    ...(await compared(panes, () => logicOf(tumbling(SIZE_MS), 1), plan)),
  });
  report.row({
    row: "sessions to windows with panes",
    keys: plan.keys,
    ...(await compared(panes, () => logicOf(session(SIZE_MS)), plan)),
  });
  await joins(report, records / 10, pairs);
}

interface Plan {
  readonly records: number;
  readonly pairs: number;
  readonly keys: number;
}

async function compared(base: () => OperatorLogic, other: () => OperatorLogic, plan: Plan) {
  const [left, right]: [Measured[], Measured[]] = [[], []];
  let rows = 0;
  for (let pair = 0; pair <= plan.pairs; pair++) {
    const first = await measure(() => play(base(), plan));
    const second = await measure(() => (rows = play(other(), plan)));
    // The first pair warms the code up.
    if (pair === 0) continue;
    left.push(first);
    right.push(second);
  }
  const nsOf = (side: readonly Measured[]) =>
    rounded((median(side.map(({ cpuMs }) => cpuMs)) * 1e6) / plan.records, 1);
  return {
    "CPU ratio": rounded(median(left.map(({ cpuMs }, i) => right[i]!.cpuMs / cpuMs))),
    "ns of CPU": `${nsOf(left)} -> ${nsOf(right)}`,
    "records a result": rounded(plan.records / rows, 1),
  };
}

/** Records in order of time, with a watermark now and then; answers how many results there were. */
function play(logic: OperatorLogic, { records, keys }: Plan): number {
  let rows = 0;
  const operator = operatorOf(logic, () => rows++);
  const given = Array.from({ length: 4096 }, (_, i): Reading => ({ key: (i * 7919) % keys, value: i }));
  let watermark = 0;
  for (let i = 0; i < records; i++) {
    const timestamp = Math.floor(i / RECORDS_PER_MS);
    operator.element(given[i & 4095], timestamp, 0);
    if (timestamp - watermark < WATERMARK_EVERY_MS) continue;
    watermark = timestamp;
    operator.advance(watermark - 1);
  }
  operator.advance(Number.POSITIVE_INFINITY);
  return rows;
}
