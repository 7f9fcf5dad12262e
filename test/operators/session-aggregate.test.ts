/** Sessions in typed cells against a model: by themselves, restored, combined before they cross threads. */
import { expect } from "chai";
import fc from "fast-check";
import { windowAggregate } from "../../lib/api/added-windows.js";
import { count, custom } from "../../lib/operators/aggregates.js";
import type { SessionLogic } from "../../lib/operators/session-aggregate.js";
import { sessionCombineLogic } from "../../lib/operators/session-combine.js";
import { Bench } from "../../lib/testing/operator-bench.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";
import { type SessionWindows, session } from "../../lib/time/windows.js";
import { type ModelRecord, WindowModel } from "./window-model.js";
import { expected, type Played, played, plays, restored, type Step, texts } from "./window-plays.js";

const times = custom({
  create: (): number[] => [],
  add: (all: number[], record: ModelRecord) => [...all, record.at],
  merge: (left: number[], right: number[]) => [...left, ...right],
  result: (all: number[]) => [...all].sort((a, b) => a - b),
});

const logicOf = (assigner: SessionWindows<ModelRecord>) =>
  windowAggregate(
    "sessions",
    { assigner, key: (record: ModelRecord) => record.key, options: {} },
    { times, n: count() },
    (result: { times: number[]; n: number }, { key, window }: any) => {
      expect(result.n).to.equal(result.times.length);
      return [key, window.start, window.end, result.times];
    },
  ).logic as SessionLogic;

const modelOf = ({ gap }: SessionWindows<ModelRecord>) =>
  new WindowModel(
    (record) => [[record.at, record.at + (typeof gap === "number" ? gap : record.gap)]],
    true,
    0,
  );

const gaps = fc.constantFrom<SessionWindows<ModelRecord>>(
  session(5),
  session((record: ModelRecord) => record.gap),
);

/** Late records, which are dropped, are counted. */
function check(
  assigner: SessionWindows<ModelRecord>,
  steps: readonly Step[],
  { rows, dropped }: Played,
): void {
  const model = expected(modelOf(assigner), steps);
  expect({ rows, dropped }).to.deep.equal({ rows: model.rows, dropped: model.late.length });
}

/** A sender that combines, and a receiver that it feeds. */
function combined(assigner: SessionWindows<ModelRecord>, steps: readonly Step[]): Played {
  const logic = logicOf(assigner);
  const sender = new Bench(sessionCombineLogic(logic.session));
  const receiver = new Bench(logic.overPartials());
  for (const step of steps) {
    if ("watermark" in step) sender.operator.advance!(step.watermark);
    else sender.operator.element(step, step.at, 0);
    for (const partial of sender.take()) receiver.operator.element(partial, Number.NaN, 0);
    if ("watermark" in step) receiver.operator.advance!(step.watermark);
  }
  return { rows: texts(receiver.take()), late: [], dropped: receiver.counters.lateRecordsDropped };
}

describe("sessions in typed cells", () => {
  it("are those of the general operator", () => {
    expect("session" in logicOf(session(5))).to.equal(true);
    fc.assert(
      fc.property(gaps, plays, (gap, steps) => check(gap, steps, played(logicOf(gap), steps))),
      { numRuns: 300 },
    );
  });

  it("are the same when they are restored before every element", () => {
    fc.assert(
      fc.property(gaps, plays, (gap, steps) => {
        check(
          gap,
          steps,
          restored(
            () => logicOf(gap),
            steps,
            () => 1,
          ),
        );
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it("are the same when every time there are more or fewer subtasks", () => {
    fc.assert(
      fc.property(gaps, plays, fc.infiniteStream(fc.constantFrom(1, 2, 4)), (gap, steps, widths) => {
        const drawn = steps.map(() => widths.next().value as number);
        const { rows } = restored(
          () => logicOf(gap),
          steps,
          (i) => drawn[i]!,
        );
        expect(rows).to.deep.equal(expected(modelOf(gap), steps).rows);
      }),
      { numRuns: 40 },
    );
  }).timeout(60_000);

  it("are the same when they are combined before they cross threads", () => {
    fc.assert(
      fc.property(gaps, plays, (gap, steps) => check(gap, steps, combined(gap, steps))),
      { numRuns: 300 },
    );
  });

  it("are the same in every variation of the test kit", () => {
    fc.assert(
      fc.property(gaps, plays, (gap, steps) => {
        const trial = new OperatorTrial(() => logicOf(gap));
        for (const step of steps) {
          if ("watermark" in step) trial.advanceWatermark(step.watermark);
          else trial.push(step, step.at);
        }
        expect(texts(trial.take())).to.deep.equal(expected(modelOf(gap), steps).rows);
      }),
      { numRuns: 20 },
    );
  }).timeout(60_000);

  it("that are being packed for a snapshot may end, merge and give their place to others", () => {
    fc.assert(
      fc.property(plays, fc.integer({ min: 0, max: 60 }), (steps, at) => {
        const bench = new Bench(logicOf(session(5)));
        let pack: (() => unknown) | undefined;
        for (const [i, step] of steps.entries()) {
          if (i === at) pack = bench.freeze();
          if ("watermark" in step) bench.operator.advance!(step.watermark);
          else bench.operator.element(step, step.at, 0);
        }
        if (pack === undefined) return;
        const copy = new Bench(logicOf(session(5))).load(pack() as never);
        bench.take();
        const before = new Bench(logicOf(session(5)));
        for (const step of steps.slice(0, at)) {
          if ("watermark" in step) before.operator.advance!(step.watermark);
          else before.operator.element(step, step.at, 0);
        }
        before.take();
        for (const each of [copy, before]) {
          for (const step of steps.slice(at)) {
            if ("watermark" in step) each.operator.advance!(step.watermark);
            else each.operator.element(step, step.at, 0);
          }
        }
        expect(texts(copy.take())).to.deep.equal(texts(before.take()));
      }),
      { numRuns: 200 },
    );
  }).timeout(60_000);

  it("leave nothing behind", () => {
    const bench = new Bench(logicOf(session(5)));
    for (let at = 0; at < 50_000; at++) {
      bench.operator.element({ key: `k${at}`, at, gap: 1 }, at, 0);
      if (at % 10 === 0) bench.operator.advance!(at - 1);
    }
    const { table, ends } = bench.operator as unknown as {
      table: { size: number; live: number };
      ends: { size: number };
    };
    expect(table.size).to.be.below(40);
    expect(ends.size).to.be.below(40);
    bench.operator.advance!(Number.POSITIVE_INFINITY);
    expect(table.live).to.equal(0);
    expect(bench.take().length).to.equal(50_000);
  });

  it("wait where nothing more can be taken, and go on", () => {
    const trial = new Bench(logicOf(session(5)));
    for (const key of ["a", "b", "c"]) trial.operator.element({ key, at: 1, gap: 1 }, 1, 0);
    trial.credit = 1;
    expect(trial.operator.advance!(10)).to.equal(false);
    expect(trial.take().length).to.equal(1);
    trial.gate.level = 0;
    trial.credit = 9;
    expect(trial.operator.advance!(10)).to.equal(true);
    expect(trial.take().length).to.equal(2);
  });

  it("refuse records without a time", () => {
    expect(() => played(logicOf(session(5)), [{ key: "a", at: Number.NaN, gap: 1 }]))
      .to.throw()
      .with.property("code", "TIMESTAMP_MISSING");
  });
});
