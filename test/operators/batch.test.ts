/** `batchBy` on streams without keys, driven by hand; and `debounce`, whatever the watermark does. */
import { expect } from "chai";
import fc from "fast-check";
import { type BatchOptions, batch, debounceFunctions, distinct } from "../../lib/api/queue-functions.js";
import { keyedProcessLogic } from "../../lib/operators/keyed-process.js";
import { Bench, type Saved } from "../../lib/testing/operator-bench.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";

const trialOf = (options: BatchOptions) => new OperatorTrial(() => batch(options).logic);
const END = Number.POSITIVE_INFINITY;

describe("batches without keys", () => {
  it("are given out by size, and the rest at the end, stamped as their latest record", () => {
    const trial = trialOf({ size: 3 });
    for (const t of [5, 9, 7, 6, 1]) trial.push(t, t);
    expect(trial.takeRows().map(({ record, timestamp }) => [record, timestamp])).to.deep.equal([
      [[5, 9, 7], 9],
    ]);
    trial.end();
    expect(trial.takeRows().map(({ record, timestamp }) => [record, timestamp])).to.deep.equal([[[6, 1], 6]]);
  });

  it("are given out by the clock, counted from the first record, also where they are restored meanwhile", () => {
    const trial = trialOf({ time: 10 });
    trial.push("a").setClock(6).push("b").setClock(9);
    expect(trial.take()).to.deep.equal([]);
    trial.setClock(10);
    expect(trial.take()).to.deep.equal([["a", "b"]]);
    trial.setClock(30).push("c").setClock(39);
    expect(trial.take()).to.deep.equal([]);
    trial.setClock(40);
    expect(trial.take()).to.deep.equal([["c"]]);
  });

  it("are given out by event time", () => {
    const trial = trialOf({ time: 10, size: 4, by: "event" });
    trial.push(1, 1).push(2, 2).advanceWatermark(10);
    expect(trial.take()).to.deep.equal([]);
    trial.push(20, 20).advanceWatermark(11);
    expect(trial.take()).to.deep.equal([[1, 2, 20]]);
    for (const t of [31, 32, 33, 34, 35]) trial.push(t, t);
    expect(trial.take()).to.deep.equal([[31, 32, 33, 34]]);
    expect(() => trialOf({ time: 1, by: "event" }).push(1))
      .to.throw()
      .with.property("code", "TIMESTAMP_MISSING");
  });

  it("hold the watermark back before their time, and let it go with them", () => {
    const bench = new Bench(batch({ size: 2, time: 10 }).logic);
    bench.operator.element("a", 5, 0);
    bench.advance(3);
    bench.advance(7);
    expect(bench.passed).to.deep.equal([3, 4]);
    bench.operator.element("b", 6, 0);
    bench.settle();
    expect([bench.take(), bench.passed]).to.deep.equal([[["a", "b"]], [3, 4, 7]]);
    // One that comes late holds nothing back that has gone on.
    bench.operator.element("c", 2, 0);
    bench.advance(8);
    expect(bench.passed).to.deep.equal([3, 4, 7]);
    bench.tick(10);
    expect([bench.take(), bench.passed]).to.deep.equal([[["c"]], [3, 4, 7, 8]]);
    // Without time there is nothing to hold back for.
    bench.operator.element("d", Number.NaN, 0);
    bench.advance(9);
    expect(bench.passed.at(-1)).to.equal(9);
  });

  it("wait for the gate with what is due", () => {
    const bench = new Bench(batch({ size: 3, time: 10 }).logic);
    bench.operator.element("a", 1, 0);
    bench.gate.level = 1;
    bench.wall = 10;
    bench.operator.rest!(0);
    expect([bench.operator.proceed!(), bench.operator.advance!(END), bench.operator.finish!()]).to.deep.equal(
      [true, false, false],
    );
    expect(bench.take()).to.deep.equal([]);
    bench.gate.level = 0;
    expect(bench.operator.proceed!()).to.equal(true);
    expect(bench.take()).to.deep.equal([["a"]]);
  });

  it("of several subtasks become batches of one, none of them too large, none later than it was due", () => {
    const saved: Saved = { batch: [] };
    for (const subtask of [0, 1, 2]) {
      const bench = new Bench(batch({ size: 4, time: 100 }).logic, subtask, 3);
      bench.wall = subtask * 10;
      for (const id of [1, 2, 3]) bench.operator.element(`${subtask}${id}`, id, 0);
      saved["batch"]!.push(...bench.freeze()()["batch"]!);
    }
    const one = new Bench(batch({ size: 4, time: 100 }).logic).load(saved);
    one.tick(50);
    expect(one.take()).to.deep.equal([
      ["01", "02", "03", "11"],
      ["12", "13", "21", "22"],
    ]);
    one.tick(99);
    expect(one.take()).to.deep.equal([]);
    one.tick(100);
    expect(one.take()).to.deep.equal([["23"]]);
  });

  it("refuse options that cannot be, and dedupe without an id", () => {
    for (const make of [
      () => batch({}),
      () => batch({ size: 1.5 }),
      () => batch({ time: 0 }),
      () => batch({ size: 1, by: "moon" as never }),
      () => distinct(undefined as never),
      () => distinct({ ttl: "1d" } as never),
    ]) {
      expect(make, make.toString()).to.throw().with.property("code", "OPTION_INVALID");
    }
  });
});

describe("debounce", () => {
  const GAP = 10;
  const logic = () =>
    keyedProcessLogic({
      key: () => 1,
      ...({ state: debounceFunctions(GAP, {}).state, functions: debounceFunctions(GAP, {}) } as any),
    });

  it("gives the last record of every burst, wherever the watermark is", () => {
    const times = fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 25 });
    fc.assert(
      fc.property(times, fc.infiniteStream(fc.nat(60)), (drawn, lags) => {
        const bench = new Bench(logic());
        // The largest time so far less a lag that no record is behind.
        const least = (from: number) => Math.min(...drawn.slice(from), Number.POSITIVE_INFINITY);
        drawn.forEach((time, i) => {
          bench.operator.element(time, time, 0);
          bench.advance(Math.min(least(i + 1) - 1, time - (lags.next().value as number)));
        });
        bench.advance(Number.POSITIVE_INFINITY);
        const sorted = [...drawn].sort((a, b) => a - b);
        const expected = sorted.filter((time, i) => !(sorted[i + 1]! <= time + GAP));
        expect(bench.take()).to.deep.equal(expected);
        expect(bench.times).to.deep.equal(expected.map((time) => time + GAP));
        expect(bench.entries).to.equal(0);
      }),
      { numRuns: 300 },
    );
  });
});
