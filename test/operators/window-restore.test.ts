/** The general windows against a model, and restored after every element, at other parallelisms, as deltas would. */
import { expect } from "chai";
import fc from "fast-check";
import { windowAggregate, windowFunction } from "../../lib/api/added-windows.js";
import { count } from "../../lib/operators/aggregates.js";
import { sideOutput } from "../../lib/operators/process-context.js";
import type { WindowAssigner } from "../../lib/operators/window-assigner.js";
import { Bench } from "../../lib/testing/operator-bench.js";
import { sliding, tumbling, windowsOf } from "../../lib/time/windows.js";
import { type ModelRecord, WindowModel } from "./window-model.js";
import { expected, played, plays, restored, windowKinds } from "./window-plays.js";

interface Case {
  readonly assigner: WindowAssigner<ModelRecord>;
  readonly lateness: number;
}

const lateTag = sideOutput<ModelRecord>("late");

const logicOf = ({ assigner, lateness }: Case) =>
  windowFunction(
    "windows",
    {
      assigner,
      key: (record: ModelRecord) => record.key,
      options: { allowedLateness: lateness, lateData: lateTag },
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
  assigner: windowKinds,
  lateness: fc.constantFrom(0, 4, 25),
});

describe("windows that are restored", () => {
  it("answer what a list of records per window does", () => {
    fc.assert(
      fc.property(cases, plays, (given, steps) => {
        const { rows, late } = played(logicOf(given), steps);
        expect({ rows, late }).to.deep.equal(expected(modelOf(given), steps));
      }),
      { numRuns: 300 },
    );
  }).timeout(30_000);

  it("answer the same when they are restored before every element", () => {
    fc.assert(
      fc.property(cases, plays, (given, steps) => {
        const { rows, late } = restored(
          () => logicOf(given),
          steps,
          () => 1,
        );
        expect({ rows, late }).to.deep.equal(expected(modelOf(given), steps));
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
        const { rows, late } = restored(
          () => logicOf(given),
          steps,
          (i) => drawn[i]!,
        );
        expect({ rows, late }).to.deep.equal(expected(modelOf(given), steps));
      }),
      { numRuns: 40 },
    );
  }).timeout(60_000);

  it("that share panes do not open again when watermarks begin before the restore", () => {
    const key = (record: ModelRecord) => record.key;
    const make = () =>
      windowAggregate("panes", { assigner: tumbling(10), key, options: {} }, { n: count() }).logic;
    const record = (at: number): ModelRecord => ({ key: "a", at, gap: 0 });
    const bench = new Bench(make());
    bench.operator.element(record(5), 5, 0);
    bench.operator.advance!(9);
    expect(bench.take().length).to.equal(1);
    const copy = new Bench(make()).load(bench.freeze()());
    copy.operator.element(record(12), 12, 0);
    copy.operator.advance!(6);
    copy.operator.element(record(7), 7, 0);
    expect(copy.counters.lateRecordsDropped).to.equal(1);
    expect(copy.operator.advance!(Number.POSITIVE_INFINITY)).to.equal(true);
    expect(copy.take()).to.deep.equal([{ key: "a", windowStart: 10, windowEnd: 20, n: 1 }]);
  });
});
