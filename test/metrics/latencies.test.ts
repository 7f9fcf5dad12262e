import { expect } from "chai";
import { createLatencies, LatencyCounter, latenciesOf, latencyOption } from "../../lib/metrics/latencies.js";
import type { LatencyMarker } from "../../lib/runtime/latency-marker.js";
import { LatencyMarkers } from "../../lib/runtime/latency-markers.js";
import type { Output } from "../../lib/runtime/outputs.js";

const sources = ["a", "b", "c"].map((name) => ({ operators: [{ name }] }));

describe("latencies", () => {
  it("are kept by subtask and source, and answered to an eighth", () => {
    const memory = createLatencies(2, 3);
    const counter = new LatencyCounter(memory, 1, 3);
    for (let ms = 1; ms <= 100; ms++) counter.add(0, ms);
    counter.add(2, -5);
    expect(latenciesOf(memory, 0, sources)).to.deep.equal({});
    const { a, b, c } = latenciesOf(memory, 1, sources);
    expect(b).to.equal(undefined);
    expect([a!.count, c!.count]).to.deep.equal([100, 1]);
    expect(a!.p50).to.be.within(50, 50 * 1.13);
    expect(a!.p95).to.be.within(95, 95 * 1.13);
    expect(a!.p99).to.be.within(99, 99 * 1.13);
    expect(a!.max).to.be.within(100, 113);
    expect(c!.max).to.be.within(0, 0.01);
  });

  it("take an interval above zero", () => {
    expect(latencyOption(undefined)).to.deep.equal({});
    expect(latencyOption("2s")).to.deep.equal({ latencyIntervalMs: 2000 });
    expect(() => latencyOption(0))
      .to.throw()
      .with.property("code", "OPTION_INVALID");
  });

  it("are told by markers: one an interval and edge, to its channels in turn, and on from task to task", () => {
    const got: string[] = [];
    const output = (name: string) =>
      ({
        latency: ({ source, at }: LatencyMarker) => got.push(`${name} ${source} ${at}`),
      }) as Partial<Output> as Output;
    const memory = createLatencies(1, 8);
    const counter = new LatencyCounter(memory, 0, 8);
    let wall = 1000;
    const markers = new LatencyMarkers({ vertex: 7, intervalMs: 10, counter, wallNow: () => wall });
    markers.wire([[output("x0"), output("x1")], [output("y")], []]);
    for (const steady of [0, 5, 9, 10, 19, 25]) markers.turn(steady);
    expect(got).to.deep.equal(["x0 7 1000", "y 7 1000", "x1 7 1000", "y 7 1000", "x0 7 1000", "y 7 1000"]);
    got.length = 0;
    wall = 1040;
    markers.take({ source: 0, at: 1000 });
    expect(got).to.deep.equal(["x1 0 1000", "y 0 1000"]);
    expect(latenciesOf(memory, 0, sources.concat(sources, sources.slice(1)))["a"]!.max).to.be.within(40, 45);
  });
});
