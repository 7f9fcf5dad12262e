import { expect } from "chai";
import { run } from "../lib/index.js";
import type { LatencyParams } from "./jobs/latency.js";

const JOB = new URL("./jobs/latency.js", import.meta.url);

async function measured(params: LatencyParams, latencyTracking?: number, parallelism = 2) {
  const options = latencyTracking === undefined ? {} : { latencyTracking };
  await using job = await run(JOB, { params: { ...params }, parallelism, ...options });
  const counts = () =>
    job.metrics().map(({ latency }) => Object.values(latency ?? {}).map(({ count }) => count));
  // Until both sources' markers have come to all tasks behind them a few times.
  const isEnough = () => counts().filter((each) => each.length === 2 && Math.min(...each) >= 5).length >= 4;
  const until = Date.now() + (latencyTracking === undefined ? 300 : 20_000);
  while (Date.now() < until && !isEnough()) await new Promise((resolve) => setTimeout(resolve, 20));
  return job.metrics();
}

describe("latency tracking", function () {
  this.timeout(30_000);

  it("is off by default", async () => {
    for (const metrics of await measured({ busyMs: 0 })) expect(metrics).not.to.have.property("latency");
  });

  it("tells how long records take from each source to each operator", async () => {
    // More than the function can take: records wait in the channel before it, and none of them behind it.
    const metrics = await measured({ busyMs: 1 }, 10);
    const of = (name: string) => metrics.filter(({ vertex }) => vertex.startsWith(name));
    for (const { latency } of [...of("left"), ...of("right")]) expect(latency).to.deep.equal({});
    for (const name of ["slow", "behind"]) {
      expect(of(name).length).to.equal(2);
      for (const { latency } of of(name)) {
        expect(Object.keys(latency!).sort()).to.deep.equal(["left", "right"]);
        for (const { count, p50, p99, max } of Object.values(latency!)) {
          expect(count).to.be.at.least(5);
          expect(p50 <= p99 && p99 <= max).to.equal(true);
        }
      }
    }
    const worst = Math.max(
      ...of("slow").flatMap(({ latency }) => Object.values(latency!).map(({ max }) => max)),
    );
    expect(worst).to.be.within(10, 20_000);
  });
});
