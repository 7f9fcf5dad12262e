import { expect } from "chai";
import fc from "fast-check";
import { Histogram } from "../../lib/metrics/histogram.js";

describe("histograms of functions", () => {
  it("know quantiles to an eighth, of values of any size and sign", () => {
    const value = fc.oneof(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.integer({ min: -1000, max: 1000 }),
      fc.double({ min: 0, max: 1e-6, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), (values) => {
        const histogram = new Histogram();
        for (const each of values) histogram.record(each);
        const sorted = values.toSorted((a, b) => a - b);
        const spread = histogram.read();
        expect([spread.count, spread.min, spread.max]).to.deep.equal([
          values.length,
          sorted[0],
          sorted.at(-1),
        ]);
        expect(spread.mean).to.be.closeTo(values.reduce((sum, each) => sum + each, 0) / values.length, 1e-3);
        for (const [share, found] of [
          [0.5, spread.p50],
          [0.95, spread.p95],
          [0.99, spread.p99],
        ] as const) {
          const exact = sorted[Math.ceil(share * values.length) - 1]!;
          expect(Math.abs(found - exact)).to.be.at.most(Math.abs(exact) / 8 + 1e-30);
        }
      }),
    );
  });

  it("leave out NaN, and are empty at first", () => {
    const histogram = new Histogram();
    histogram.record(Number.NaN);
    expect(histogram.read()).to.deep.equal({
      count: 0,
      min: Number.NaN,
      max: Number.NaN,
      mean: Number.NaN,
      p50: Number.NaN,
      p95: Number.NaN,
      p99: Number.NaN,
    });
  });
});
