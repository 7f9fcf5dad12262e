import { expect } from "chai";
import {
  type CheckpointPlan,
  partlyFinishedUnion,
  planCheckpoint,
  type TaskStatus,
} from "../../lib/checkpoint/checkpoint-plan.js";
import type { TaskSnapshot } from "../../lib/checkpoint/snapshot.js";
import type { JobGraph } from "../../lib/graph/job-graph.js";
import type { Partitioner } from "../../lib/graph/stream-graph.js";
import { jobGraph } from "./job-graphs.js";

/** "0.1": subtask 1 of vertex 0. */
function plan(graph: JobGraph, finished: readonly string[]) {
  const statusOf = (vertex: number, subtask: number): TaskStatus =>
    finished.includes(`${vertex}.${subtask}`) ? "finished" : "running";
  const made = planCheckpoint(graph, statusOf) as CheckpointPlan;
  const names = (tasks: CheckpointPlan["trigger"]) =>
    tasks.map(({ vertex, subtask }) => `${vertex}.${subtask}`);
  return { trigger: names(made.trigger), waitFor: names(made.waitFor), finished: names(made.finished) };
}

const chain = (partitioner: Partitioner, parallelism = 2): JobGraph =>
  jobGraph(
    [
      { uids: ["a"], parallelism },
      { uids: ["b"], parallelism },
      { uids: ["c"], parallelism: 1 },
    ],
    [
      [0, 1, partitioner],
      [1, 2, "rebalance"],
    ],
  );

const snapshot = (
  vertex: number,
  subtask: number,
  finished: boolean,
  scope: "union" | "split",
): TaskSnapshot => ({
  vertex,
  subtask,
  finished,
  operators: [{ uid: `op-${vertex}`, parts: [{ name: "p", scope, schema: { kind: "list" }, chain: [] }] }],
  channels: [],
  statistics: {
    syncMs: 0,
    asyncMs: 0,
    alignmentMs: 0,
    startDelayMs: 0,
    stateBytes: 0,
    processedBytes: 0,
    persistedBytes: 0,
    unaligned: false,
  },
});

describe("the plan of a checkpoint", () => {
  it("triggers the sources while everything runs", () => {
    expect(plan(chain("hash"), [])).to.deep.equal({
      trigger: ["0.0", "0.1"],
      waitFor: ["0.0", "0.1", "1.0", "1.1", "2.0"],
      finished: [],
    });
  });

  it("triggers what no running task sends to any more", () => {
    expect(plan(chain("hash"), ["0.0", "0.1"])).to.deep.equal({
      trigger: ["1.0", "1.1"],
      waitFor: ["1.0", "1.1", "2.0"],
      finished: ["0.0", "0.1"],
    });
    expect(plan(chain("hash"), ["0.0"]).trigger).to.deep.equal(["0.1"]);
    expect(plan(chain("forward"), ["0.0"]).trigger).to.deep.equal(["0.1", "1.0"]);
    expect(plan(chain("forward"), ["0.0", "1.0"]).trigger).to.deep.equal(["0.1"]);
    expect(plan(chain("forward"), ["0.0", "0.1", "1.0", "1.1"]).trigger).to.deep.equal(["2.0"]);
    expect(plan(chain("forward"), ["0.0", "0.1", "1.0", "1.1", "2.0"]).waitFor).to.deep.equal([]);
  });

  it("looks at every input", () => {
    const joined = jobGraph(
      [
        { uids: ["a"], parallelism: 1 },
        { uids: ["b"], parallelism: 2 },
        { uids: ["c"], parallelism: 2 },
      ],
      [
        [0, 2, "broadcast"],
        [1, 2, "rescale"],
      ],
    );
    expect(plan(joined, ["0.0"]).trigger).to.deep.equal(["1.0", "1.1"]);
    expect(plan(joined, ["0.0", "1.0"]).trigger).to.deep.equal(["1.1", "2.0"]);
    expect(plan(joined, ["1.0", "1.1"]).trigger).to.deep.equal(["0.0"]);
  });

  it("is refused while a task is not running", () => {
    const statusOf = (vertex: number): TaskStatus => (vertex === 1 ? "other" : "running");
    expect(planCheckpoint(chain("hash"), statusOf)).to.deep.equal({ notRunning: { vertex: 1, subtask: 0 } });
  });

  it("names union state of which a part has finished", () => {
    const graph = chain("hash");
    const part = (finished: readonly string[], snapshots: readonly TaskSnapshot[]) => {
      const statusOf = (vertex: number, subtask: number): TaskStatus =>
        finished.includes(`${vertex}.${subtask}`) ? "finished" : "running";
      return partlyFinishedUnion(graph, planCheckpoint(graph, statusOf) as CheckpointPlan, snapshots);
    };
    expect(part(["0.0"], [snapshot(0, 1, false, "union")])).to.equal("op-0");
    expect(part([], [snapshot(0, 0, true, "union"), snapshot(0, 1, false, "union")])).to.equal("op-0");
    expect(part(["0.0"], [snapshot(0, 1, true, "union")])).to.equal(undefined);
    expect(part(["0.0", "0.1"], [snapshot(1, 0, false, "union")])).to.equal(undefined);
    expect(part(["0.0"], [snapshot(0, 1, false, "split")])).to.equal(undefined);
    expect(part([], [snapshot(0, 0, false, "union"), snapshot(0, 1, false, "union")])).to.equal(undefined);
  });
});
