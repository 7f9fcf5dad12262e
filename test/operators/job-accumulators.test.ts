import { expect } from "chai";
import { accumulators } from "../../lib/operators/job-accumulators.js";

/** Two subtasks add values each; the answer is what they come to together. */
function merged<T, R>(
  kind: {
    functions: { create(): any; add(a: any, v: T): any; merge(a: any, b: any): any; result(a: any): R };
  },
  ...subtasks: readonly (readonly T[])[]
): R {
  const { create, add, merge, result } = kind.functions;
  const parts = subtasks.map((values) => values.reduce((so, value) => add(so, value), create()));
  return result(parts.reduce((all, part) => merge(all, structuredClone(part)), create()));
}

describe("accumulators", () => {
  it("add up, over nothing as well", () => {
    expect(merged(accumulators.int(), [1, 2], [3], [])).to.equal(6);
    expect(merged(accumulators.double(), [0.5], [0.25])).to.equal(0.75);
    expect(merged(accumulators.long(), [2n ** 62n], [2n ** 62n])).to.equal(2n ** 63n);
    expect([merged(accumulators.int()), merged(accumulators.long())]).to.deep.equal([0, 0n]);
  });

  it("find what is least, most and in the middle; null over nothing", () => {
    expect(merged(accumulators.min(), [3, -1], [2])).to.equal(-1);
    expect(merged(accumulators.max(), [3, -1], [], [7])).to.equal(7);
    expect(merged(accumulators.avg(), [1, 2], [6])).to.equal(3);
    for (const kind of [accumulators.min(), accumulators.max(), accumulators.avg()]) {
      expect(merged(kind, [], [])).to.equal(null);
    }
  });

  it("gather and count values", () => {
    expect(merged(accumulators.list<string>(), ["a", "b"], [], ["a"])).to.deep.equal(["a", "b", "a"]);
    expect([...merged(accumulators.histogram(), [3, 1, 3], [2, 1])]).to.deep.equal([
      [1, 2],
      [2, 1],
      [3, 2],
    ]);
  });

  it("refuse what is no value of their kind", () => {
    const wrong: [{ functions: { create(): any; add(a: any, v: any): any } }, unknown][] = [
      [accumulators.int(), 0.5],
      [accumulators.int(), "1"],
      [accumulators.int(), 2 ** 53],
      [accumulators.double(), undefined],
      [accumulators.long(), 1],
      [accumulators.min(), "1"],
      [accumulators.avg(), 1n],
      [accumulators.histogram(), null],
    ];
    for (const [{ functions }, value] of wrong) {
      expect(() => functions.add(functions.create(), value), String(value))
        .to.throw()
        .with.property("code", "ACCUMULATOR_INVALID");
    }
  });
});
