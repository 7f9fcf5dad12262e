import { setInterval } from "node:timers/promises";
import { expect } from "chai";
import { run } from "../../lib/index.js";

const JOB = new URL("../jobs/exchange-soak.js", import.meta.url);
const RECORDS = Number(process.env.SOAK_RECORDS ?? 200_000_000);

describe("soak", () => {
  it(`memory stays level while ${RECORDS.toLocaleString("en")} records cross threads`, async () => {
    const job = await run(JOB, { parallelism: 1, params: { records: RECORDS } });
    const samples: { records: number; rss: number }[] = [];
    const watching = new AbortController();
    const watch = (async () => {
      for await (const _ of setInterval(100, undefined, { signal: watching.signal })) {
        samples.push({ records: job.progress().records, rss: process.memoryUsage.rss() });
      }
    })().catch(() => undefined);
    await job.completed;
    watching.abort();
    await watch;
    expect(job.progress().records).to.equal(RECORDS);
    const second = samples.filter(({ records }) => records > RECORDS / 2).map(({ rss }) => rss);
    expect(second.length, "samples in the second half").to.be.greaterThan(4);
    const sorted = [...second].sort((a, b) => a - b);
    const median = sorted[sorted.length >> 1]!;
    const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
    console.log(`      resident: median ${mib(median)} MiB, ${mib(sorted[0]!)} to ${mib(sorted.at(-1)!)}`);
    expect(sorted[0]).to.be.at.least(median * 0.9);
    expect(sorted.at(-1)).to.be.at.most(median * 1.1);
  }).timeout(600_000);
});
