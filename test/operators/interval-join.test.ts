import { expect } from "chai";
import fc from "fast-check";
import { MillraceError } from "../../lib/base/error.js";
import { intervalJoinLogic } from "../../lib/operators/interval-join.js";
import { Bench } from "../../lib/testing/operator-bench.js";
import { OperatorTrial } from "../../lib/testing/operator-trial.js";

interface Rec {
  readonly key: number;
  readonly id: number;
}
type Step =
  | { readonly first: boolean; readonly key: number; readonly t: number }
  | { readonly watermark: number };

const keyOf = (record: Rec) => record.key;
const joined = (lower: number, upper: number) =>
  intervalJoinLogic({
    keys: [keyOf, keyOf],
    join: (one: Rec, other: Rec) => `${one.id}+${other.id}`,
    lower,
    upper,
  });

/** Everything that meets, by comparing all with all. */
function oracle(steps: readonly Step[], lower: number, upper: number): string[] {
  const kept: { id: number; first: boolean; key: number; t: number }[] = [];
  const rows: string[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  steps.forEach((step, id) => {
    if ("watermark" in step) {
      watermark = Math.max(watermark, step.watermark);
      return;
    }
    if (step.t < watermark) return;
    for (const other of kept) {
      if (other.key !== step.key || other.first === step.first) continue;
      const [one, two] = step.first ? [{ ...step, id }, other] : [other, { ...step, id }];
      const isNear = two.t >= one.t + lower && two.t <= one.t + upper;
      // What the watermark has reached the end of is gone.
      const end = step.first ? other.t + Math.max(-lower, 0) : other.t + Math.max(upper, 0);
      const gone = watermark >= Math.ceil(end) && !(step.first ? lower > 0 : upper < 0);
      if (isNear && !gone) rows.push(`${one.id}+${two.id} @${Math.max(one.t, two.t)}`);
    }
    kept.push({ ...step, id });
  });
  return rows.sort();
}

const trialOf = (lower: number, upper: number) => new OperatorTrial(() => joined(lower, upper));

/** In every variation; the steps are numbered from `first` on. */
function play(trial: OperatorTrial, steps: readonly Step[], first = 0): string[] {
  steps.forEach((step, i) => {
    if ("watermark" in step) trial.advanceWatermark(step.watermark);
    else trial.push({ key: step.key, id: first + i }, step.t, step.first ? 0 : 1);
  });
  return trial.takeRows().map(({ record, timestamp }) => `${record} @${timestamp}`);
}

describe("interval join", () => {
  const steps = fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ first: fc.boolean(), key: fc.nat(2), t: fc.integer({ min: -20, max: 40 }) }),
      },
      { weight: 1, arbitrary: fc.record({ watermark: fc.integer({ min: -20, max: 40 }) }) },
    ),
    { maxLength: 60 },
  );
  /** Watermarks only rise. */
  const rising = (given: readonly Step[]): Step[] => {
    let highest = Number.NEGATIVE_INFINITY;
    return given.map((step) => {
      if (!("watermark" in step)) return step;
      highest = Math.max(highest, step.watermark);
      return { watermark: highest };
    });
  };

  it("gives what comparing all with all gives, restored after every step, through a gate that closes", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: -12, max: 12 }), fc.nat(10), (given, lower, width) => {
        const script = rising(given);
        const rows = play(trialOf(lower, lower + width), script);
        expect(rows.sort()).to.deep.equal(oracle(script, lower, lower + width));
      }),
      { numRuns: 150 },
    );
  }).timeout(20_000);

  for (const [lower, upper, expected] of [
    [0, 0, ["0+3 @10"]],
    [-5, 0, ["0+1 @10", "0+2 @10", "0+3 @10"]],
    [0, 5, ["0+3 @10", "0+4 @15"]],
    [-4, 4, ["0+2 @10", "0+3 @10"]],
    [1, 5, ["0+4 @15"]],
    [-5, -5, ["0+1 @10"]],
  ] as const) {
    it(`meets from ${lower} to ${upper}, both included`, () => {
      const trial = trialOf(lower, upper);
      const seconds = [5, 6, 10, 15].map((t) => ({ first: false, key: 1, t }));
      expect(play(trial, seconds, 1)).to.deep.equal([]);
      const firsts = [
        { first: true, key: 1, t: 10 },
        { first: true, key: 2, t: 10 },
      ];
      expect(play(trial, firsts)).to.deep.equal(expected);
    });
  }

  it("drops what is before the watermark, and counts it; at the watermark it is not late", () => {
    const trial = trialOf(-10, 10);
    const rows = play(trial, [
      { first: true, key: 1, t: 20 },
      { watermark: 15 },
      { first: false, key: 1, t: 14 },
      { first: false, key: 1, t: 15 },
    ]);
    expect([rows, trial.lateRecordsDropped]).to.deep.equal([["0+3 @20"], 1]);
  });

  for (const [lower, upper] of [
    [-30, 50],
    [10, 20],
    [-20, -10],
    [0, 0],
  ] as const) {
    it(`keeps no more than the interval from ${lower} to ${upper}`, () => {
      const bench = new Bench(joined(lower, upper));
      for (let t = 0; t < 5000; t++) {
        bench.operator.element({ key: t % 7, id: t }, t, 0);
        bench.operator.second!({ key: t % 7, id: t }, t + 0.5, 0);
        bench.advance(t);
        bench.take();
        if (t % 1000 === 999)
          expect(bench.entries).to.be.at.most(4 * (Math.abs(lower) + Math.abs(upper) + 3));
      }
      bench.advance(Number.POSITIVE_INFINITY);
      expect(bench.entries).to.equal(0);
    });
  }

  it("refuses bounds that hold nothing, and records without time", () => {
    expect(() => joined(1, 0))
      .to.throw(MillraceError)
      .with.property("code", "OPTION_INVALID");
    expect(() => joined(0, 0.5))
      .to.throw(MillraceError)
      .with.property("code", "OPTION_INVALID");
    const bench = new Bench(joined(0, 0));
    const missing = () => bench.operator.element({ key: 1, id: 1 }, Number.NaN, 0);
    expect(missing).to.throw(MillraceError).with.property("code", "TIMESTAMP_MISSING");
  });
});
