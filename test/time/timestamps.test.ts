import { expect } from "chai";
import { durationMs } from "../../lib/base/duration.js";
import { isTimestamp, TIMESTAMP_MAX, timestampOf } from "../../lib/time/timestamps.js";
import { sliding, tumbling } from "../../lib/time/windows.js";

describe("timestamps", () => {
  it("are ms or a Date, as far from the epoch as a Date can be", () => {
    for (const time of [0, -1, 1.5, TIMESTAMP_MAX, -TIMESTAMP_MAX]) {
      expect([isTimestamp(time), timestampOf(time)]).to.deep.equal([true, time]);
    }
    expect(timestampOf(new Date(-5))).to.equal(-5);
    expect(timestampOf(new Date(TIMESTAMP_MAX))).to.equal(TIMESTAMP_MAX);
  });

  it("are nothing else: the error shows what was given", () => {
    const bad: [unknown, string][] = [
      [Number.NaN, "NaN"],
      [Number.POSITIVE_INFINITY, "Infinity"],
      [TIMESTAMP_MAX + 2, "8640000000000002"],
      [new Date(Number.NaN), "an invalid Date"],
      ["2026", 'the text "2026"'],
      [undefined, "undefined"],
      [null, "null"],
      [5n, "5"],
      [[5], "an object"],
    ];
    for (const [given, shown] of bad) {
      expect(isTimestamp(given), shown).to.equal(false);
      expect(() => timestampOf(given), shown)
        .to.throw(`the timestamp is ${shown}`)
        .with.property("code", "TIMESTAMP_INVALID");
    }
    expect(() => timestampOf(Promise.resolve(5)))
      .to.throw("promise")
      .with.property("code", "USER_FUNCTION_ASYNC");
  });
});

describe("lengths of windows", () => {
  it("are whole ms, however they are written", () => {
    expect([durationMs("2.3s"), durationMs("0.5ms"), durationMs("-1.1s")]).to.deep.equal([2300, 0.5, -1100]);
    expect(sliding({ size: "2.3s", slide: "1.15s" })).to.include({ size: 2300, slide: 1150 });
    for (const refused of [
      () => tumbling(0.5),
      () => tumbling("0.1ms"),
      () => tumbling(10, { offset: 0.5 }),
      () => sliding({ size: 1, slide: 0.3 }),
      () => tumbling(2 ** 60),
    ]) {
      expect(refused).to.throw().with.property("code", "OPTION_INVALID");
      expect(refused).to.throw().with.property("hint").that.includes("whole ms");
    }
  });
});
