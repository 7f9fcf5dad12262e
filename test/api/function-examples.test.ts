import { expect } from "chai";
import { run } from "../../lib/index.js";

describe("the examples of functions that are objects", () => {
  for (const parallelism of [1, 2]) {
    it(`do what they say, with parallelism ${parallelism}`, async () => {
      await using job = await run(new URL("../jobs/function-examples.js", import.meta.url), { parallelism });
      const rows = async (sink: string) => {
        const all: unknown[] = [];
        for await (const row of job.results(sink)) all.push(row);
        return all;
      };
      const [enriched, found, sizes] = await Promise.all(["enriched", "looked up", "sizes"].map(rows));
      expect(enriched).to.have.deep.members([
        { id: 1, city: "Rome", country: "Italy" },
        { id: 2, city: "Nowhere", country: "?" },
      ]);
      expect(found).to.have.members(["order 1", "order 2"]);
      expect(sizes).to.have.members([1, 1, 30]);
      const { accumulators } = await job.completed;
      expect(accumulators).to.deep.equal({
        "bad lines": 1,
        "long words": 1,
        "bytes of words": 32n,
        "lengths of words": new Map([
          [1, 2],
          [30, 1],
        ]),
      });
      const unknown = job
        .metrics()
        .reduce((sum, { user }) => sum + ((user?.["map.unknown cities"] as number) ?? 0), 0);
      expect(unknown).to.equal(1);
    });
  }
});
