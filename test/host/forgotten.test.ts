/** What is left of a job in the process that ran it: nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { run } from "millrace";

const JOB = new URL("../jobs/soak.js", import.meta.url);
const params = { query: "buckets", events: 2_000, failures: { count: 0, folder: "", seed: 0, how: "throw" } };

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe("a job that has ended", () => {
  it("is forgotten with its threads and the memory they shared", async () => {
    const shared: number[] = [];
    for (let i = 0; i < 4; i++) {
      const job = await run(JOB, { parallelism: 2, params });
      for await (const _ of job.results("out"));
      await job.completed;
      for (let round = 0; round < 3; round++) {
        await sleep(20);
        collectGarbage();
      }
      shared.push(process.memoryUsage().arrayBuffers);
    }
    // The rings of one job alone are 2 MiB.
    expect(shared.at(-1)! - shared[1]!).to.be.lessThan(2 ** 20);
  }).timeout(30_000);
});
