/** Sliding windows of many panes: what they answer, and how much they merge. */
import { expect } from "chai";
import fc from "fast-check";
import { count, custom } from "../../lib/operators/aggregates.js";
import { windowLogic } from "../../lib/operators/window-aggregate.js";
import { Bench } from "../../lib/testing/operator-bench.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";
import { type AlignedWindows, sliding, windowsOf } from "../../lib/time/windows.js";
import { type ModelRecord, WindowModel } from "./window-model.js";

const key = (record: ModelRecord) => record.key;

/** Windows that answer the times of their records. */
function listing(assigner: AlignedWindows) {
  const times = custom<ModelRecord, number[], number[]>({
    create: () => [],
    add: (held, { at }) => [...held, at],
    merge: (held, other) => [...held, ...other],
    result: (held) => [...held].sort((a, b) => a - b),
  });
  const project = (result: any, place: any) => [
    place.key,
    place.window.start,
    place.window.end,
    result.times,
  ];
  return windowLogic({ assigner, aggregates: { times }, key, project });
}

const texts = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

describe("windows of many panes", () => {
  it("hold what lists of records do, whatever comes late", () => {
    const steps = fc.array(
      fc.record({
        key: fc.constantFrom("a", "b"),
        step: fc.oneof(fc.integer({ min: -25, max: 6 }), fc.constantFrom(40, 90)),
        lag: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
      }),
      { maxLength: 80 },
    );
    const assigners = fc.constantFrom(
      sliding({ size: 20, slide: 1 }),
      sliding({ size: 20, slide: 2, offset: 1 }),
      sliding({ size: 21, slide: 14 }),
      sliding({ size: 50, slide: 3 }),
    );
    fc.assert(
      fc.property(assigners, steps, (assigner, drawn) => {
        const trial = new OperatorTrial(() => listing(assigner));
        const model = new WindowModel(
          ({ at }) => windowsOf(assigner, at).map(({ start, end }) => [start, end]),
          false,
          0,
        );
        let time = -30;
        let watermark = Number.NEGATIVE_INFINITY;
        for (const { key: name, step, lag } of drawn) {
          time += Math.max(step, -1);
          const record = { key: name, at: time + Math.min(step, 0), gap: 0 };
          trial.push(record, record.at);
          model.add(record);
          if (lag === undefined || time - lag <= watermark) continue;
          watermark = time - lag;
          trial.advanceWatermark(watermark);
          model.advance(watermark);
        }
        trial.advanceWatermark(Number.POSITIVE_INFINITY);
        model.advance(Number.POSITIVE_INFINITY);
        expect(texts(trial.take())).to.deep.equal(texts(model.rows));
        expect(trial.lateRecordsDropped).to.equal(model.late.length);
      }),
      { numRuns: 100 },
    );
  }).timeout(30_000);

  it("are merged about three times a pane, however many panes a window has", () => {
    let merges = 0;
    const aggregate = custom<ModelRecord, number, number>({
      create: () => 0,
      add: (n) => n + 1,
      merge(n, other) {
        merges++;
        return n + other;
      },
      result: (n) => n,
    });
    const assigner = sliding({ size: 1000, slide: 10 });
    const aggregates = { n: count<ModelRecord>(), aggregate };
    const bench = new Bench(windowLogic({ assigner, aggregates, key, project: undefined }));
    const panes = 1000;
    for (let at = 0; at < panes * 10; at++) {
      bench.operator.element({ key: "a", at, gap: 0 }, at, 0);
      if (at % 10 === 9) bench.operator.advance!(at);
    }
    const rows = bench.take() as { n: number; aggregate: number }[];
    expect(rows.length).to.equal(panes);
    expect(rows.every(({ n, aggregate: same }) => n === same)).to.equal(true);
    expect(rows.at(-1)!.n).to.equal(1000);
    expect(merges / panes).to.be.within(1, 5);
  });
});
