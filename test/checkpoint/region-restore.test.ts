import { expect } from "chai";
import { redistribute } from "../../lib/checkpoint/redistribution.js";
import { restoreRegion } from "../../lib/checkpoint/region-restore.js";
import { jobGraph } from "./job-graphs.js";
import { edge, manifest, operator, part, segment } from "./part-manifests.js";

const graph = jobGraph(
  [
    { uids: ["a"], parallelism: 2 },
    { uids: ["b", "c"], parallelism: 2 },
  ],
  [[0, 1, "hash"]],
);
const all = [0, 1].flatMap((vertex) => [0, 1].map((subtask) => ({ vertex, subtask })));

const source = operator("a", [{ splits: [{ id: "s0" }] }, { splits: [{ id: "s1" }, { id: "s2" }] }]);
const keyed = operator("b", [
  { parts: [part("k", "keyed", segment("k0", 3), segment("k0-delta", 1, "delta"))] },
  { parts: [part("k", "keyed", segment("k1", 2)), part("empty", "split", segment("none", 0))] },
]);
const sink = operator("c", [
  { parts: [part("writer", "split", segment("w0", 5))] },
  { parts: [part("writer", "split", segment("w1", 1)), part("rules", "broadcast", segment("r1", 2))] },
]);

describe("a region that goes on from a checkpoint", () => {
  it("loads what a job does that goes on as a whole, as long as no subtask has finished", () => {
    const made = manifest([source, keyed, sink], [edge("a", "b", "hash", ["0>1+", "1>1"])]);
    expect(restoreRegion(made, graph, all)).to.deep.equal(redistribute(made, graph).tasks);
    const some = all.filter(({ subtask }) => subtask === 1);
    const whole = redistribute(made, graph).tasks;
    expect(restoreRegion(made, graph, some)).to.deep.equal([whole[1], whole[3]]);
  });

  it("gives nobody what others have, also when some have finished", () => {
    const ended = operator("a", [{ splits: [{ id: "s0" }] }, undefined]);
    const made = manifest([ended, keyed, sink]);
    expect(
      redistribute(made, graph)
        .tasks.slice(0, 2)
        .map(({ finished }) => finished),
    ).to.deep.equal([false, false]);
    const [first, second] = restoreRegion(made, graph, all)!;
    expect(first).to.deep.include({ finished: false });
    expect(first!.operators.map(({ splits }) => splits)).to.deep.equal([[{ id: "s0" }]]);
    expect(second).to.deep.equal({ vertex: 0, subtask: 1, finished: true, operators: [], channels: [] });
  });

  it("cannot have union state", () => {
    const union = operator("b", [{}, { parts: [part("u", "union", segment("u", 1))] }]);
    expect(restoreRegion(manifest([source, union, sink]), graph, [all[2]!])).to.equal(undefined);
    expect(restoreRegion(manifest([source, union, sink]), graph, [all[0]!])).to.have.length(1);
  });
});
