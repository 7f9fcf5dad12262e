import { expect } from "chai";
import { keepsCheckpoints } from "../../lib/checkpoint/retention.js";

describe("retention", () => {
  it("keeps checkpoints as Flink does", () => {
    const outcomes = ["finished", "failed", "cancelled", "suspended"] as const;
    const kept = (retention: Parameters<typeof keepsCheckpoints>[0]) =>
      outcomes.filter((outcome) => keepsCheckpoints(retention, outcome));
    expect(kept("delete")).to.deep.equal([]);
    expect(kept("retain-on-failure")).to.deep.equal(["failed"]);
    expect(kept("retain")).to.deep.equal(["failed", "cancelled", "suspended"]);
  });
});
