import { expect } from "chai";
import fc from "fast-check";
import { createRoundTimes, RoundCounter, RoundTimes } from "../../lib/metrics/round-times.js";

describe("round times", () => {
  it("tells the longest round to an eighth, per slot", () => {
    const ms = fc.double({ min: 0.002, max: 10_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1 }), (times) => {
        const memory = createRoundTimes(2);
        const counter = new RoundCounter(memory, 1);
        for (const time of times) counter.add(time);
        const { count, longest } = RoundTimes.read(memory, 1);
        const max = Math.max(...times);
        expect(count).to.equal(times.length);
        expect(longest).to.be.within(max * (1 - 1e-6), max * 1.126);
        expect(RoundTimes.read(memory, 0).longest).to.equal(0);
      }),
    );
  });

  it("tells what came since, and how it is spread", () => {
    const memory = createRoundTimes(1);
    const counter = new RoundCounter(memory, 0);
    counter.add(500);
    const before = RoundTimes.read(memory, 0);
    for (let i = 0; i < 99; i++) counter.add(1.5);
    counter.add(60);
    const since = RoundTimes.read(memory, 0).since(before);
    expect(since.count).to.equal(100);
    expect(since.quantile(0.5)).to.be.within(1.5, 1.7);
    expect(since.quantile(0.99)).to.be.within(1.5, 1.7);
    expect(since.longest).to.be.within(60, 68);
  });

  it("counts what is out of its range at its ends", () => {
    const memory = createRoundTimes(1);
    const counter = new RoundCounter(memory, 0);
    for (const time of [0, -1, 1e-9, 1e9]) counter.add(time);
    expect(RoundTimes.read(memory, 0).count).to.equal(4);
  });
});
