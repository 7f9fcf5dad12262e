import { expect } from "chai";
import { place } from "../../lib/coordinator/placement.js";
import { regionsOf, renewed } from "../../lib/coordinator/regions.js";
import type { JobGraph } from "../../lib/graph/job-graph.js";
import { ZERO } from "../../lib/graph/resource-profile.js";
import { jobGraph } from "../checkpoint/job-graphs.js";

const vertex = (uid: string, parallelism: number) => ({ uids: [uid], parallelism });
const slotsOf = (graph: JobGraph) => regionsOf(graph, place(graph, 4096)).map(({ slots }) => slots);
const grouped = (graph: JobGraph, groups: readonly string[]): JobGraph => ({
  ...graph,
  vertices: graph.vertices.map((each, i) => ({ ...each, slotSharingGroup: groups[i]! })),
});

describe("regions", () => {
  it("are the slots without an exchange between them", () => {
    const two = [vertex("a", 3), vertex("b", 3)];
    expect(slotsOf(jobGraph(two, [[0, 1, "forward"]]))).to.deep.equal([[0], [1], [2]]);
    expect(slotsOf(jobGraph(two, [[0, 1, "hash"]]))).to.deep.equal([[0, 1, 2]]);
    expect(slotsOf(jobGraph([vertex("a", 1)]))).to.deep.equal([[0]]);
    expect(slotsOf(grouped(jobGraph(two, [[0, 1, "forward"]]), ["x", "y"]))).to.deep.equal([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
  });

  it("follow the ranges of a rescale, and what shares a slot", () => {
    const graph = jobGraph([vertex("a", 4), vertex("b", 2)], [[0, 1, "rescale"]]);
    expect(slotsOf(grouped(graph, ["x", "y"]))).to.deep.equal([
      [0, 1, 4],
      [2, 3, 5],
    ]);
    expect(slotsOf(graph)).to.deep.equal([[0, 1, 2, 3]]);
    const islands = jobGraph(
      [vertex("a", 2), vertex("b", 2), vertex("c", 2), vertex("d", 2)],
      [
        [0, 1, "hash"],
        [2, 3, "forward"],
      ],
    );
    expect(slotsOf(islands)).to.deep.equal([[0, 1]]);
    expect(slotsOf(grouped(islands, ["x", "x", "y", "y"]))).to.deep.equal([[0, 1], [2], [3]]);
    const placement = place(grouped(islands, ["x", "x", "y", "y"]), 4096);
    const [first, second] = regionsOf(islands, placement);
    const names = ({ tasks }: NonNullable<typeof first>) =>
      tasks.map(({ vertex: id, subtask }) => `${id}-${subtask}`);
    expect(names(first!)).to.deep.equal(["0-0", "0-1", "1-0", "1-1"]);
    expect(names(second!)).to.deep.equal(["2-0", "3-0"]);
  });

  it("are one where slots share a host", () => {
    const islands = jobGraph([vertex("a", 2), vertex("b", 2), vertex("c", 1)]);
    const profile = { ...ZERO, cpu: 0.25, heapMb: 64 };
    const groups = { x: { profile }, y: { profile, exclusive: true }, z: {} };
    const graph = { ...grouped(islands, ["x", "y", "z"]), groups };
    expect(slotsOf(graph)).to.deep.equal([[0, 1], [2, 3], [4]]);
  });

  it("get new memory of their own, and leave that of others alone", () => {
    const graph = grouped(jobGraph([vertex("a", 2), vertex("b", 2)], [[0, 1, "forward"]]), ["x", "y"]);
    const before = place(graph, 4096);
    const [failed] = regionsOf(graph, before);
    new Int32Array(before.progress).fill(7);
    new Float64Array(before.metrics).fill(5);
    const after = renewed(before, graph, failed!, 4096);
    const isSame = (at: (each: typeof before) => readonly unknown[]) =>
      at(before).map((each, i) => each === at(after)[i]);
    expect(isSame(({ rings }) => rings.map(({ memory }) => memory))).to.deep.equal([false, true]);
    expect(isSame(({ doorbells }) => doorbells)).to.deep.equal([false, true, false, true]);
    expect([...new Int32Array(after.progress).subarray(0, 4)]).to.deep.equal([0, 7, 0, 7]);
    expect(new Float64Array(after.metrics).filter((each) => each === 5).length).to.equal(
      new Float64Array(after.metrics).length / 2,
    );
    expect(after.rings.map(({ memory }) => memory.byteLength)).to.deep.equal(
      before.rings.map(({ memory }) => memory.byteLength),
    );
  });
});
