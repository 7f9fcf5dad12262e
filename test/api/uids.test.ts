/** The uids of operators: the user's own, and those that come by themselves. */
import { expect } from "chai";
import { buildProgram } from "../../lib/api/environment.js";
import { blackholeSink, datagenSource, defineJob } from "../../lib/index.js";

describe("uids", () => {
  it("stay different when an operator is given the one it has", () => {
    const job = defineJob("uids", (env) => {
      env
        .source("numbers", datagenSource({ count: 1, record: (i) => i }))
        .map((n) => n)
        .uid("map")
        .sink("map", blackholeSink());
    });
    const { graph, logic } = buildProgram(job, {});
    expect(graph.operators.map(({ uid }) => uid)).to.deep.equal(["numbers", "map", "map-2"]);
    expect([...logic.keys()]).to.have.members(["numbers", "map", "map-2"]);
  });
});
