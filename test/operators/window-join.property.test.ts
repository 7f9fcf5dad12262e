/** Joins and co-groups over windows against a model, and restored after every element at other parallelisms. */
import { expect } from "chai";
import fc from "fast-check";
import { windowPairs } from "../../lib/api/added-windows.js";
import { evictors } from "../../lib/operators/evictors.js";
import { sideOutput } from "../../lib/operators/process-context.js";
import type { WindowAssigner } from "../../lib/operators/window-assigner.js";
import { groupedSides, joinedPairs } from "../../lib/operators/window-join.js";
import { canonicalKey, keyGroupOf } from "../../lib/state/key.js";
import { Bench, type Saved } from "../../lib/testing/operator-bench.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";
import { type Window, windowsOf } from "../../lib/time/windows.js";
import { type ModelRecord, type ModelRow, WindowModel } from "./window-model.js";
import { playsOf, type Step, texts, windowKinds } from "./window-plays.js";

interface Case {
  readonly assigner: WindowAssigner<ModelRecord>;
  readonly lateness: number;
  readonly kind: "window-join" | "co-group";
  /** One that keeps everything. */
  readonly evicts: boolean;
}
type Place = { readonly key: string; readonly window: Window };

/** A record's time says which input it is of. */
const isFirst = (time: number) => time % 2 === 0;
const late = sideOutput<ModelRecord>("late");
const timesOf = (records: readonly ModelRecord[]) => records.map(({ at }) => at).sort((a, b) => a - b);
const keyOf = ({ key }: ModelRecord) => key;

function logicOf({ assigner, lateness, kind, evicts }: Case) {
  const result =
    kind === "window-join"
      ? joinedPairs((one: ModelRecord, two: ModelRecord, { key, window }: Place) => {
          return [key, window.start, window.end, one.at, two.at];
        })
      : groupedSides((firsts: ModelRecord[], seconds: ModelRecord[], { key, window }: Place) => [
          [key, window.start, window.end, timesOf(firsts), timesOf(seconds)],
        ]);
  const options = {
    allowedLateness: lateness,
    lateData: late,
    ...(evicts ? { evictor: evictors.count(1_000_000) } : {}),
  };
  return windowPairs(kind, "met", { assigner, key: keyOf, secondKey: keyOf, options }, result).logic;
}

/** What a window's list of times is given out as. */
function rowsOf({ kind }: Case, [key, start, end, times]: ModelRow): unknown[] {
  const [firsts, seconds] = [times.filter(isFirst), times.filter((time) => !isFirst(time))];
  if (kind === "co-group") return [[key, start, end, firsts, seconds]];
  return firsts.flatMap((one) => seconds.map((two) => [key, start, end, one, two]));
}

function expected(given: Case, steps: readonly Step[]): { rows: string[]; late: number[] } {
  const { assigner, lateness } = given;
  const model = new WindowModel(
    ({ at, gap }) =>
      assigner.kind === "session"
        ? [[at, at + (typeof assigner.gap === "number" ? assigner.gap : gap)]]
        : windowsOf(assigner as never, at).map(({ start, end }) => [start, end]),
    assigner.kind === "session",
    lateness,
  );
  for (const step of steps) {
    if ("watermark" in step) model.advance(step.watermark);
    else model.add(step);
  }
  return { rows: texts(model.rows.flatMap((row) => rowsOf(given, row))), late: model.late };
}

const cases = fc.record({
  assigner: windowKinds,
  lateness: fc.constantFrom(0, 4, 25),
  kind: fc.constantFrom("window-join" as const, "co-group" as const),
  evicts: fc.boolean(),
});

const plays = playsOf({ keys: ["a", "b"], stepMax: 9, maxLength: 40, unmarked: 2 });

function give(bench: Bench, step: ModelRecord): void {
  if (isFirst(step.at)) bench.operator.element(step, step.at, 0);
  else bench.operator.second!(step, step.at, 0);
}

/** Plays the steps on subtasks that are restored before each one, each time as many as `parallelism` says. */
function restored(given: Case, steps: readonly Step[], parallelism: (step: number) => number) {
  let saved: Saved | undefined;
  const rows: unknown[] = [];
  const lates: number[] = [];
  for (const [i, step] of steps.entries()) {
    const subtasks = Array.from({ length: parallelism(i) }, (_, subtask) => {
      const bench = new Bench(logicOf(given), subtask, parallelism(i));
      return saved === undefined ? bench : bench.load(saved);
    });
    for (const bench of subtasks) {
      if ("watermark" in step) bench.advance(step.watermark);
      else if (bench.owns(keyGroupOf(canonicalKey(step.key), 128))) give(bench, step);
      rows.push(...bench.take());
      lates.push(...bench.sides.map(([, record]) => (record as ModelRecord).at));
    }
    saved = {};
    for (const bench of subtasks) {
      for (const [name, entries] of Object.entries(bench.freeze()())) {
        saved[name] = [...(saved[name] ?? []), ...entries];
      }
    }
  }
  return { rows: texts(rows), late: lates };
}

describe("joins and co-groups over windows", () => {
  it("answer what lists of records do, in every variation", () => {
    fc.assert(
      fc.property(cases, plays, (given, steps) => {
        const trial = new OperatorTrial(() => logicOf(given));
        for (const step of steps) {
          if ("watermark" in step) trial.advanceWatermark(step.watermark);
          else trial.push(step, step.at, isFirst(step.at) ? 0 : 1);
        }
        const lates = trial.sides.map(([, record]) => (record as ModelRecord).at);
        expect({ rows: texts(trial.take()), late: lates }).to.deep.equal(expected(given, steps));
      }),
      { numRuns: 120 },
    );
  }).timeout(60_000);

  it("answer the same when every time there are more or fewer subtasks", () => {
    fc.assert(
      fc.property(cases, plays, fc.infiniteStream(fc.constantFrom(1, 2, 4)), (given, steps, widths) => {
        const drawn = steps.map(() => widths.next().value as number);
        expect(restored(given, steps, (i) => drawn[i]!)).to.deep.equal(expected(given, steps));
      }),
      { numRuns: 40 },
    );
  }).timeout(60_000);
});
