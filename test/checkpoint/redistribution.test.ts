import { expect } from "chai";
import { keptMaxParallelism, redistribute } from "../../lib/checkpoint/redistribution.js";
import type { Manifest, OperatorManifest } from "../../lib/checkpoint/snapshot.js";
import type { TaskRestore } from "../../lib/checkpoint/task-restore.js";
import { editDistance, uidDifference } from "../../lib/checkpoint/uid-difference.js";
import type { JobGraph } from "../../lib/graph/job-graph.js";
import { jobGraph } from "./job-graphs.js";
import { edge, manifest, operator, part, segment } from "./part-manifests.js";

function refusal(made: Manifest, graph: JobGraph, code: string): string {
  try {
    redistribute(made, graph);
  } catch (error) {
    expect(error).to.have.property("code", code);
    return (error as Error).message;
  }
  return expect.fail(`no ${code}`);
}

const keyed = (name: string) => ({ parts: [part("k", "keyed", segment(name, 1))] });

/** Two vertices joined by an edge of a partitioner. */
const pair = (before: number, now: number, partitioner: Parameters<typeof jobGraph>[1], max = 128) =>
  jobGraph(
    [
      { uids: ["a"], parallelism: before },
      { uids: ["b"], parallelism: now, maxParallelism: max },
    ],
    partitioner,
  );

/** "a0>1/r": what each subtask of vertex 1 takes. */
function channels(tasks: readonly TaskRestore[]): string[] {
  return tasks
    .filter(({ vertex }) => vertex === 1)
    .map(({ channels: own }) =>
      own.map(({ segment: { place } }) => ("blob" in place ? place.blob : "")).join(" "),
    );
}

describe("redistribution", () => {
  it("tells every subtask what to load, as plain data", () => {
    const source = operator("a", [{ splits: [{ id: "s", at: 3 }] }], { enumerator: { next: 7 } });
    const sink = operator("c", [
      { committables: [{ checkpoint: 11, committable: { file: "x" } }] },
      { committables: [{ checkpoint: 12, committable: { file: "y" } }] },
    ]);
    const made = manifest([source, operator("b", [keyed("k0"), keyed("k1")]), sink]);
    const graph = jobGraph(
      [
        { uids: ["a"], parallelism: 1 },
        { uids: ["b", "c"], parallelism: 1 },
      ],
      [[0, 1, "hash"]],
    );
    const restore = redistribute(made, graph);
    expect(structuredClone(restore)).to.deep.equal(restore);
    expect(restore).to.deep.include({
      checkpoint: 12,
      dropped: [],
      enumerators: [{ uid: "a", state: { next: 7 } }],
      committables: [
        {
          uid: "c",
          committables: [
            { checkpoint: 11, committable: { file: "x" } },
            { checkpoint: 12, committable: { file: "y" } },
          ],
        },
      ],
    });
    expect(restore.tasks.map(({ vertex, subtask, finished }) => [vertex, subtask, finished])).to.deep.equal([
      [0, 0, false],
      [1, 0, false],
    ]);
    expect(restore.tasks[0]?.operators).to.deep.equal([
      { uid: "a", parts: [], splits: [{ id: "s", at: 3 }] },
    ]);
    expect(
      restore.tasks[1]?.operators.map(({ uid, parts }) => [uid, parts.map(({ from }) => from)]),
    ).to.deep.equal([["b", [0, 1]]]);
    expect([...keptMaxParallelism(made)]).to.deep.equal([
      ["a", 128],
      ["b", 128],
      ["c", 128],
    ]);
  });

  it("follows operators into other chains", () => {
    const made = manifest([operator("a", [keyed("a0")]), operator("b", [keyed("b0")])]);
    const chained = redistribute(made, jobGraph([{ uids: ["new", "a", "b"], parallelism: 2 }]));
    expect(chained.tasks.map(({ operators }) => operators.map(({ uid }) => uid))).to.deep.equal([
      ["a", "b"],
      ["a", "b"],
    ]);
  });
});

describe("state without an operator", () => {
  const held: OperatorManifest[] = [
    operator("count-v1", [keyed("k0")], { name: "Count" }),
    operator("reader", [{ splits: [{ id: "1" }] }], { enumerator: {} }),
    operator("sink", [{ committables: [{ checkpoint: 1, committable: {} }] }]),
    operator("stateless", [{}]),
    operator("empty", [{ parts: [part("k", "keyed")] }]),
  ];
  const graph = jobGraph([{ uids: ["count-v2", "enrich"], parallelism: 1 }]);

  it("is refused with what is gone, what is new and what was renamed", () => {
    const message = refusal(
      manifest(held, [edge("x", "count-v1", "hash", ["0>0"])]),
      graph,
      "STATE_NOT_RESTORED",
    );
    expect(message.split("\n")).to.deep.equal([
      "checkpoint 12 holds state for which the job has no operator",
      '  - "count-v1" (Count): state "k", records in flight on 1 channels; renamed to "count-v2"?',
      '  - "reader" (name of reader): 1 splits being read, where to read on',
      '  - "sink" (name of sink): 1 results not committed',
      '  + "count-v2" (name of count-v2): new',
      '  + "enrich" (name of enrich): new',
    ]);
  });

  it("is dropped where that is allowed", () => {
    const made = manifest(held, [edge("x", "count-v1", "hash", ["0>0"])]);
    const restore = redistribute(made, graph, { allowNonRestoredState: true });
    expect(restore.dropped).to.deep.equal(["count-v1", "reader", "sink"]);
    expect([restore.committables, restore.enumerators]).to.deep.equal([[], []]);
    expect(restore.tasks[0]).to.deep.include({ operators: [], channels: [] });
  });

  it("is not what operators without state have", () => {
    expect(redistribute(manifest(held.slice(3)), graph).dropped).to.deep.equal([]);
  });

  it("is guessed to be renamed only where one operator fits", () => {
    const named = (uid: string, name = uid) => ({ uid, name });
    const renamed = (before: string[], now: string[], names: string[] = now) =>
      uidDifference(
        before.map((uid) => named(uid)),
        now.map((uid, i) => named(uid, names[i])),
      ).gone.map(({ renamedTo }) => renamedTo);
    expect(renamed(["totals"], ["total"])).to.deep.equal(["total"]);
    expect(renamed(["totals"], ["something"])).to.deep.equal([undefined]);
    expect(renamed(["map"], ["map-a", "map-b"])).to.deep.equal([undefined]);
    expect(renamed(["a-very-old-name"], ["x", "y"], ["a-very-old-name", "z"])).to.deep.equal(["x"]);
    expect(renamed(["same"], ["same"])).to.deep.equal([]);
    expect([editDistance("kitten", "sitting"), editDistance("", "ab"), editDistance("x", "x")]).to.deep.equal(
      [3, 2, 0],
    );
  });
});

describe("keyed state", () => {
  const one = manifest([operator("a", [keyed("k0"), keyed("k1")])]);

  it("keeps its maxParallelism", () => {
    const message = refusal(
      one,
      jobGraph([{ uids: ["a"], parallelism: 2, maxParallelism: 256 }]),
      "MAX_PARALLELISM_CHANGED",
    );
    expect(message).to.contain("maxParallelism is 256").and.contain("128");
    const stateless = manifest([operator("a", [{ parts: [part("k", "keyed")] }])]);
    redistribute(stateless, jobGraph([{ uids: ["a"], parallelism: 2, maxParallelism: 256 }]));
  });

  it("limits the parallelism", () => {
    const graph = jobGraph([{ uids: ["a"], parallelism: 129, maxParallelism: 512 }]);
    expect(refusal(one, graph, "PARALLELISM_INVALID")).to.contain("parallelism is 129");
  });
});

describe("records in flight", () => {
  const inFlight = (partitioner: string, names: readonly string[], receivers: number) =>
    manifest(
      [operator("a", [{}, {}]), operator("b", Array(receivers).fill({}))],
      [edge("a", "b", partitioner, names)],
    );

  it("stay in their channel at the same parallelism, the receiver's first", () => {
    const made = inFlight("hash", ["1>1+", "0>1+", "0>0"], 2);
    const { tasks } = redistribute(made, pair(2, 2, [[0, 1, "hash"]]));
    expect(channels(tasks)).to.deep.equal(["0>0/r", "0>1+/r 0>1+/s 1>1+/r 1>1+/s"]);
    expect(tasks.at(-1)?.channels[0]).to.deep.equal({
      edge: 0,
      operator: "b",
      from: 0,
      to: 1,
      side: "receiver",
      segment: segment("0>1+/r", 1),
    });
  });

  it("of hash edges are filtered by key groups", () => {
    const made = inFlight("hash", ["0>0", "1>1", "0>2"], 3);
    const { tasks } = redistribute(made, pair(5, 2, [[0, 1, "hash"]]));
    expect(channels(tasks)).to.deep.equal(["0>0/r 1>1/r", "1>1/r 0>2/r"]);
    expect(tasks.at(-1)?.channels.map(({ groups }) => groups)).to.deep.equal([
      { first: 64, last: 127 },
      { first: 64, last: 127 },
    ]);
    const larger = pair(2, 2, [[0, 1, "hash"]], 256);
    expect(refusal(made, larger, "MAX_PARALLELISM_CHANGED")).to.contain("256");
  });

  it("of other edges are dealt out by receiver", () => {
    for (const partitioner of ["rebalance", "rescale", "shuffle"] as const) {
      const made = inFlight(partitioner, ["0>0", "0>1", "0>2", "1>0"], 3);
      const { tasks } = redistribute(made, pair(2, 2, [[0, 1, partitioner]]));
      expect(channels(tasks), partitioner).to.deep.equal(["0>0/r 1>0/r 0>2/r", "0>1/r"]);
      expect(tasks.every((task) => task.channels.every((each) => each.groups === undefined))).to.equal(true);
    }
    const wider = redistribute(inFlight("forward", ["0>0", "1>1"], 2), pair(2, 3, [[0, 1, "rebalance"]]));
    expect(channels(wider.tasks)).to.deep.equal(["0>0/r", "1>1/r", ""]);
    const global = redistribute(inFlight("global", ["0>0", "1>0"], 2), pair(2, 3, [[0, 1, "global"]]));
    expect(channels(global.tasks)).to.deep.equal(["0>0/r 1>0/r", "", ""]);
  });

  it("go on behind the operator before them when the two are fused", () => {
    const graph = jobGraph([
      { uids: ["x"], parallelism: 1 },
      { uids: ["a", "b"], parallelism: 2 },
    ]);
    const { tasks } = redistribute(inFlight("forward", ["0>0", "1>1"], 2), graph);
    expect(channels(tasks)).to.deep.equal(["0>0/r", "1>1/r"]);
    expect(tasks[1]?.channels[0]).to.include({ edge: undefined, operator: "b" });
  });

  it("keep edges between the same operators apart", () => {
    const made = manifest(
      [operator("a", [{}]), operator("b", [{}])],
      [edge("a", "b", "rebalance", ["0>0"]), edge("a", "b", "hash", ["0>0+"])],
    );
    const graph = pair(1, 1, [
      [0, 1, "rebalance"],
      [0, 1, "hash"],
    ]);
    const { tasks } = redistribute(made, graph);
    expect(tasks[1]?.channels.map((each) => each.edge)).to.deep.equal([0, 1, 1]);
    expect(refusal(made, pair(1, 1, [[0, 1, "rebalance"]]), "CHANNEL_STATE_MOVED")).to.contain(
      "no such edge",
    );
  });

  it("are refused where they fit no edge", () => {
    const hash = pair(2, 2, [[0, 1, "hash"]]);
    expect(refusal(inFlight("rebalance", ["0>0"], 2), hash, "CHANNEL_STATE_MOVED")).to.contain(
      "not keyed before",
    );
    for (const partitioner of ["broadcast", "custom"] as const) {
      const same = pair(2, 2, [[0, 1, partitioner]]);
      const message = refusal(inFlight(partitioner, ["0>0"], 2), same, "CHANNEL_STATE_MOVED");
      expect(message).to.contain(`a ${partitioner} edge cannot have any`);
      expect(redistribute(inFlight(partitioner, [], 2), same).tasks).to.have.length(4);
      refusal(inFlight("rebalance", ["0>0"], 2), same, "CHANNEL_STATE_MOVED");
    }
    const apart = jobGraph([
      { uids: ["a"], parallelism: 2 },
      { uids: ["b"], parallelism: 2 },
    ]);
    expect(refusal(inFlight("hash", ["0>0"], 2), apart, "CHANNEL_STATE_MOVED")).to.contain(
      'from "a" to "b" (hash)',
    );
    const lost = manifest([operator("a", [{}])], [edge("a", "b", "hash", ["0>0"])]);
    expect(refusal(lost, hash, "CHANNEL_STATE_MOVED")).to.contain("does not hold its receiver");
  });
});

describe("operators that had finished", () => {
  const all = operator("a", [undefined, undefined]);
  const some = (uid: string) => operator(uid, [undefined, keyed("k1")]);
  const none = (uid: string) => operator(uid, [keyed("k0"), keyed("k1")]);

  it("are skipped when all of their subtasks had", () => {
    const ended = operator("a", [keyed("k0"), keyed("k1")], { finished: [true, true], enumerator: 1 });
    const { tasks, enumerators } = redistribute(manifest([ended, none("b")]), pair(3, 2, [[0, 1, "hash"]]));
    expect(tasks.map(({ finished, operators }) => [finished, operators.length])).to.deep.equal([
      [true, 0],
      [true, 0],
      [true, 0],
      [false, 1],
      [false, 1],
    ]);
    expect(enumerators).to.have.length(1);
  });

  it("keep their results that wait to be committed", () => {
    const committables = [{ checkpoint: 12, committable: {} }];
    const sink = operator("a", [{ committables }], { finished: [true] });
    expect(
      redistribute(manifest([sink]), jobGraph([{ uids: ["a"], parallelism: 1 }])).committables,
    ).to.deep.equal([{ uid: "a", committables }]);
  });

  it("are not chained with others, but for local combines", () => {
    const fused = jobGraph([{ uids: ["a", "b"], parallelism: 2 }]);
    for (const other of [none("b"), some("b")]) {
      expect(refusal(manifest([all, other]), fused, "FINISHED_OPERATORS_CHANGED")).to.contain(
        '"a -> b" joins',
      );
    }
    refusal(manifest([all]), fused, "FINISHED_OPERATORS_CHANGED");
    const operators = fused.vertices[0]!.operators.map((each, i) =>
      i === 1 ? { ...each, kind: "combine" } : each,
    );
    const combined = { ...fused, vertices: [{ ...fused.vertices[0]!, operators }] };
    expect(redistribute(manifest([all]), combined).tasks[0]?.finished).to.equal(true);
  });

  it("have nothing unfinished before them", () => {
    const done = operator("b", [undefined, undefined]);
    for (const partitioner of ["hash", "forward"] as const) {
      const graph = pair(2, 2, [[0, 1, partitioner]]);
      for (const first of [none("a"), some("a")]) {
        expect(refusal(manifest([first, done]), graph, "FINISHED_OPERATORS_CHANGED")).to.contain(
          '"b" had finished',
        );
      }
      expect(redistribute(manifest([all, done]), graph).tasks).to.have.length(4);
    }
  });

  it("in part have only what fits before them", () => {
    const [hash, forward] = [pair(2, 2, [[0, 1, "hash"]]), pair(2, 2, [[0, 1, "forward"]])];
    const message = refusal(manifest([some("a"), some("b")]), hash, "FINISHED_OPERATORS_CHANGED");
    expect(message).to.contain('a part of "b" had finished');
    refusal(manifest([none("a"), some("b")]), hash, "FINISHED_OPERATORS_CHANGED");
    refusal(manifest([none("a"), some("b")]), forward, "FINISHED_OPERATORS_CHANGED");
    redistribute(manifest([some("a"), some("b")]), forward);
    redistribute(manifest([all, some("b")]), hash);
    redistribute(manifest([all, some("b")]), forward);
  });

  it("in part lose union state", () => {
    const union = { parts: [part("u", "union", segment("u", 1))] };
    const made = manifest([operator("a", [undefined, union])]);
    const graph = jobGraph([{ uids: ["a"], parallelism: 2 }]);
    expect(refusal(made, graph, "UNION_STATE_PARTLY_FINISHED")).to.contain('"name of a" has union state');
  });
});
