import { expect } from "chai";
import { run } from "../../lib/index.js";

describe("slot sharing groups", () => {
  it("have a thread each, however many there are", async () => {
    await using job = await run(new URL("../jobs/slot-groups.js", import.meta.url), { parallelism: 1 });
    const sums: number[] = [];
    for await (const sum of job.results<number>("sums")) sums.push(sum);
    await job.completed;
    expect(sums.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 100 }, (_, i) => i + 11));
  });
});
