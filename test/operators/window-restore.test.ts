/** The general windows against a model, and restored after every element, at other parallelisms, as deltas would. */
import { expect } from "chai";
import fc from "fast-check";
import { windowFunction } from "../../lib/api/added-windows.js";
import { sideOutput } from "../../lib/operators/process-context.js";
import { canonicalKey, keyGroupOf } from "../../lib/state/key.js";
import { Bench, type Saved } from "../../lib/testing/operator-bench.js";
import { session, sliding, tumbling, type WindowAssigner, windowsOf } from "../../lib/time/windows.js";
import { type ModelRecord, WindowModel } from "./window-model.js";

interface Case {
  readonly assigner: WindowAssigner<ModelRecord>;
  readonly lateness: number;
}

type Step = ModelRecord | { readonly watermark: number };

const late = sideOutput<ModelRecord>("late");

const logicOf = ({ assigner, lateness }: Case) =>
  windowFunction(
    "windows",
    {
      assigner,
      key: (record: ModelRecord) => record.key,
      options: { allowedLateness: lateness, lateData: late },
    },
    undefined,
    {
      window(records: readonly ModelRecord[], ctx) {
        const times = records.map(({ at }) => at).sort((a, b) => a - b);
        ctx.emit([ctx.key, ctx.window.start, ctx.window.end, times]);
      },
    },
  ).logic;

const modelOf = ({ assigner, lateness }: Case) =>
  new WindowModel(
    ({ at, gap }) =>
      assigner.kind === "session"
        ? [[at, at + (typeof assigner.gap === "number" ? assigner.gap : gap)]]
        : windowsOf(assigner as never, at).map(({ start, end }) => [start, end]),
    assigner.kind === "session",
    lateness,
  );

const cases = fc.record({
  assigner: fc.constantFrom<WindowAssigner<ModelRecord>>(
    session(5),
    session((record: ModelRecord) => record.gap),
    tumbling(7, { offset: -3 }),
    sliding({ size: 10, slide: 3 }),
    sliding({ size: 3, slide: 5, offset: 1 }),
  ),
  lateness: fc.constantFrom(0, 4, 25),
});

/** Times that creep on, with watermarks that lag now and then: late records and merges of all kinds. */
const plays = fc
  .array(
    fc.record({
      key: fc.constantFrom("a", "b", "c"),
      step: fc.integer({ min: -12, max: 14 }),
      gap: fc.integer({ min: 1, max: 9 }),
      lag: fc.option(fc.integer({ min: -2, max: 15 }), { nil: undefined }),
    }),
    { maxLength: 60 },
  )
  .map((drawn) => {
    let time = -20;
    let watermark = Number.NEGATIVE_INFINITY;
    const steps: Step[] = [];
    for (const { key, step, gap, lag } of drawn) {
      time += Math.max(step, -1);
      steps.push({ key, at: time + Math.min(step, 0), gap });
      if (lag === undefined || time - lag <= watermark) continue;
      watermark = time - lag;
      steps.push({ watermark });
    }
    return [...steps, { watermark: Number.POSITIVE_INFINITY }];
  });

const texts = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

function expected(given: Case, steps: readonly Step[]): { rows: string[]; late: number[] } {
  const model = modelOf(given);
  for (const step of steps) {
    if ("watermark" in step) model.advance(step.watermark);
    else model.add(step);
  }
  return { rows: texts(model.rows), late: model.late };
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
      if ("watermark" in step) expect(bench.operator.advance!(step.watermark)).to.equal(true);
      else if (bench.owns(keyGroupOf(canonicalKey(step.key), 128))) bench.operator.element(step, step.at, 0);
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

describe("windows that are restored", () => {
  it("answer what a list of records per window does", () => {
    fc.assert(
      fc.property(cases, plays, (given, steps) => {
        const bench = new Bench(logicOf(given));
        for (const step of steps) {
          if ("watermark" in step) bench.operator.advance!(step.watermark);
          else bench.operator.element(step, step.at, 0);
        }
        const rows = texts(bench.take());
        const lates = bench.sides.map(([, record]) => (record as ModelRecord).at);
        expect({ rows, late: lates }).to.deep.equal(expected(given, steps));
      }),
      { numRuns: 300 },
    );
  }).timeout(30_000);

  it("answer the same when they are restored before every element", () => {
    fc.assert(
      fc.property(cases, plays, (given, steps) => {
        expect(restored(given, steps, () => 1)).to.deep.equal(expected(given, steps));
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it("go on between two windows that a watermark fires", () => {
    const given: Case = { assigner: sliding({ size: 30, slide: 10 }), lateness: 0 };
    const bench = new Bench(logicOf(given));
    bench.operator.element({ key: "a", at: 25, gap: 0 }, 25, 0);
    bench.credit = 1;
    expect(bench.operator.advance!(100)).to.equal(false);
    expect(bench.take()).to.deep.equal([["a", 0, 30, [25]]]);
    const copy = new Bench(logicOf(given)).load(bench.freeze()());
    copy.operator.element({ key: "a", at: 35, gap: 0 }, 35, 0);
    copy.operator.advance!(100);
    expect(copy.take()).to.deep.equal([
      ["a", 10, 40, [25]],
      ["a", 20, 50, [25]],
    ]);
    expect(copy.sides.length).to.equal(1);
  });

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
