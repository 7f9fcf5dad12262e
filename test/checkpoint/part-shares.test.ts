import { expect } from "chai";
import fc from "fast-check";
import { shareOperator } from "../../lib/checkpoint/part-shares.js";
import { oldReceivers, overlapping } from "../../lib/checkpoint/subtask-mapping.js";
import type { Partitioner } from "../../lib/graph/stream-graph.js";
import { hashKey, ownerOf, rangeOf } from "../../lib/state/key.js";
import { load, operator, part, segment } from "./part-manifests.js";

const groupOf = (entry: string) => (hashKey(entry) >>> 0) % 128;

/** What each of the new subtasks loads, in print. */
function shares(subtasks: Parameters<typeof operator>[1], parallelism: number): string[] {
  return shareOperator(operator("op", subtasks), parallelism, 128).map(({ parts }) =>
    load(parts, groupOf).join(" "),
  );
}

const split = (name: string, ...sizes: number[]) =>
  sizes.map((size, i) => ({ parts: [part(name, "split", segment(`${name}${i}`, size))] }));

describe("old receivers of records in flight", () => {
  const map = (partitioner: Partitioner, old: number, now: number) =>
    Array.from({ length: now }, (_, i) => oldReceivers(partitioner, i, now, old, 32_768));

  it("are shared by the edge's partitioner", () => {
    expect(map("global", 3, 2)).to.deep.equal([[0, 1, 2], []]);
    expect(map("global", 3, 3)).to.deep.equal([[0, 1, 2], [], []]);
    expect(map("hash", 3, 2)).to.deep.equal([
      [0, 1],
      [1, 2],
    ]);
    expect(map("hash", 10, 2)).to.deep.equal([
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8, 9],
    ]);
    expect(map("hash", 3, 4)).to.deep.equal([[0], [0, 1], [1, 2], [2]]);
    expect(map("hash", 3, 7)).to.deep.equal([[0], [0], [0, 1], [1], [1, 2], [2], [2]]);
    expect(map("rebalance", 10, 4)).to.deep.equal([
      [0, 4, 8],
      [1, 5, 9],
      [2, 6],
      [3, 7],
    ]);
    for (const partitioner of ["rebalance", "shuffle", "rescale", "forward"] as const) {
      expect(map(partitioner, 5, 2)).to.deep.equal([
        [0, 2, 4],
        [1, 3],
      ]);
      expect(map(partitioner, 2, 3)).to.deep.equal([[0], [1], []]);
    }
    expect(map("broadcast", 2, 1)).to.deep.equal([undefined]);
    expect(map("custom", 2, 1)).to.deep.equal([undefined]);
  });

  it("overlap by key groups", () => {
    expect(overlapping(0, 1, 3, 128)).to.deep.equal([0, 1, 2]);
    expect(overlapping(1, 3, 2, 128)).to.deep.equal([0, 1]);
  });
});

describe("shares of state", () => {
  it("stay where they are at the same parallelism", () => {
    expect(shares(split("a", 3, 0, 2), 3)).to.deep.equal(["a0/0 a0/1 a0/2", "", "a2/0 a2/1"]);
    const [first] = shareOperator(operator("op", split("a", 3, 1)), 2, 128);
    expect(first).to.deep.equal({
      uid: "op",
      parts: [
        {
          name: "a",
          scope: "split",
          schema: { kind: "list" },
          from: 0,
          chain: [segment("a0", 3)],
          take: { kind: "all" },
        },
      ],
      splits: [],
    });
  });

  it("of split parts are runs of equal length, the remainder shared by the parts in turn", () => {
    expect(shares(split("a", 4, 3), 3)).to.deep.equal(["a0/0 a0/1 a0/2", "a0/3 a1/0", "a1/1 a1/2"]);
    expect(shares(split("a", 1, 1), 1)).to.deep.equal(["a0/0 a1/0"]);
    expect(shares(split("a", 1, 1), 3)).to.deep.equal(["a0/0", "a1/0", ""]);
    const two = [
      { parts: [part("a", "split", segment("a0", 4)), part("b", "split", segment("b0", 1))] },
      { parts: [part("c", "split", segment("c0", 2))] },
    ];
    expect(shares(two, 3)).to.deep.equal(["a0/0 a0/1 c0/1", "a0/2 b0/0", "a0/3 c0/0"]);
  });

  it("of split parts with deltas are whole chains", () => {
    const withDelta = (name: string) => ({
      parts: [part("a", "split", segment(name, 2), segment(`${name}+`, 1, "delta"))],
    });
    expect(shares([withDelta("x"), withDelta("y"), withDelta("z")], 2)).to.deep.equal([
      "x/0 x/1 x+/0 z/0 z/1 z+/0",
      "y/0 y/1 y+/0",
    ]);
  });

  it("of subtasks that had finished are gone, the others' are dealt to all", () => {
    const [, ...rest] = split("a", 9, 2, 2);
    expect(shares([undefined, ...rest], 3)).to.deep.equal(["a1/0 a1/1", "a2/0", "a2/1"]);
    const ended = operator("op", split("a", 1, 4), { finished: [true, false] });
    expect(shareOperator(ended, 2, 128).map(({ parts }) => load(parts, groupOf))).to.deep.equal([
      ["a1/0", "a1/1"],
      ["a1/2", "a1/3"],
    ]);
  });

  it("of union parts are everything for everybody", () => {
    const union = [2, 1].map((size, i) => ({ parts: [part("u", "union", segment(`u${i}`, size))] }));
    for (const parallelism of [1, 2, 3]) {
      expect(shares(union, parallelism)).to.deep.equal(Array(parallelism).fill("u0/0 u0/1 u1/0"));
    }
  });

  it("of broadcast parts are one copy each, from a subtask that has one", () => {
    const copy = (name: string, size: number) => ({ parts: [part("b", "broadcast", segment(name, size))] });
    expect(shares([copy("x", 1), copy("y", 1)], 5)).to.deep.equal(["x/0", "y/0", "x/0", "y/0", "x/0"]);
    expect(shares([copy("x", 1), copy("y", 1), copy("z", 1)], 2)).to.deep.equal(["x/0", "y/0"]);
    expect(shares([undefined, copy("y", 1), copy("z", 0)], 3)).to.deep.equal(["y/0", "y/0", "y/0"]);
    expect(shares([{ parts: [] }, copy("y", 1)], 3)).to.deep.equal(["y/0", "y/0", "y/0"]);
    expect(shares([copy("x", 0), copy("y", 0)], 1)).to.deep.equal([""]);
  });

  it("of keyed parts are whole where a new subtask covers an old one, else filtered", () => {
    const keyed = [0, 1, 2].map((i) => ({ parts: [part("k", "keyed", segment(`k${i}`, 5))] }));
    const takes = shareOperator(operator("op", keyed), 2, 128).map(({ parts }) =>
      parts.map(({ from, take }) => [from, take.kind === "groups" ? take.groups : take.kind]),
    );
    expect(takes).to.deep.equal([
      [
        [0, "all"],
        [1, { first: 0, last: 63 }],
      ],
      [
        [1, { first: 64, last: 127 }],
        [2, "all"],
      ],
    ]);
  });

  it("of sources are splits, dealt evenly", () => {
    const source = [["a", "b", "c"], [], ["d"]].map((ids) => ({ splits: ids.map((id) => ({ id })) }));
    const dealt = (subtasks: Parameters<typeof operator>[1], parallelism: number) =>
      shareOperator(operator("op", subtasks), parallelism, 128).map(({ splits }) =>
        splits.map(({ id }) => id),
      );
    expect(dealt(source, 3)).to.deep.equal([["a", "b", "c"], [], ["d"]]);
    expect(dealt(source, 2)).to.deep.equal([
      ["a", "c"],
      ["b", "d"],
    ]);
    expect(dealt([undefined, ...source.slice(0, 1)], 2)).to.deep.equal([["a", "c"], ["b"]]);
  });

  it("hold every entry exactly once, whatever the parallelisms", () => {
    const size = fc.integer({ min: 0, max: 6 });
    const subtask = fc.record({
      keyed: size,
      one: size,
      other: size,
      broadcast: fc.boolean(),
      finished: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(subtask, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 7 }),
        (old, n) => {
          // Each old subtask holds keys of its own groups only.
          const keys = new Map<string, number>();
          const owned = (i: number, count: number) => {
            const { first, last } = rangeOf(i, 128, old.length);
            for (let k = 0; k < count; k++) keys.set(`k${i}/${k}`, first + ((k * 7) % (last - first + 1)));
            return part("k", "keyed", segment(`k${i}`, count));
          };
          const subtasks = old.map(({ keyed, one, other }, i) => ({
            parts: [
              owned(i, keyed),
              part("one", "split", segment(`o${i}`, one)),
              part("other", "split", segment(`p${i}`, other)),
            ],
          }));
          const finished = old.map((each) => each.finished);
          const made = shareOperator(operator("op", subtasks, { finished }), n, 128);
          const loaded = made.map(({ parts }) => load(parts, (entry) => keys.get(entry)!));
          const expected = old.flatMap((each, i) =>
            each.finished
              ? []
              : [
                  ...Array.from({ length: each.keyed }, (_, k) => `k${i}/${k}`),
                  ...Array.from({ length: each.one }, (_, k) => `o${i}/${k}`),
                  ...Array.from({ length: each.other }, (_, k) => `p${i}/${k}`),
                ],
          );
          expect(loaded.flat().sort()).to.deep.equal(expected.sort());
          loaded.forEach((entries, i) => {
            for (const entry of entries.filter((each) => keys.has(each))) {
              expect(ownerOf(keys.get(entry)!, 128, n)).to.equal(i);
            }
          });
          if (n === old.length && !finished.includes(true)) return;
          const dealt = loaded.map((entries) => entries.filter((each) => !keys.has(each)).length);
          expect(Math.max(...dealt) - Math.min(...dealt)).to.be.at.most(1);
        },
      ),
    );
  });
});
