import { expect } from "chai";
import fc from "fast-check";
import { ignoredMetrics } from "../../lib/metrics/function-metrics.js";
import { type Batch, BatchReader, type CountedSplit } from "../../lib/source/batch-reader.js";
import type { SourceDefinition } from "../../lib/source/contract.js";
import { StaticEnumerator } from "../../lib/source/static-enumerator.js";
import { SourceRun } from "../../lib/testing/contracts/source-run.js";
import { expectExactlyOnce, readAll, stages } from "./restoring.js";

/** A source of given splits; each is a list of sizes of batches. */
function batches(sizes: readonly (readonly number[])[], shorter = 0): SourceDefinition<string, CountedSplit> {
  const splits = sizes.map((_, i) => ({ id: String(i) }));
  const total = sizes.flat().reduce((sum, size) => sum + size + 1, 0);
  async function* read({ id }: CountedSplit): AsyncGenerator<Batch<string>> {
    let n = 0;
    for (const size of sizes[Number(id)]!) {
      await Promise.resolve();
      const records = Array.from({ length: size - shorter }, () => `${id}.${n++}`);
      yield { records, work: size + 1 };
    }
  }
  return {
    kind: "batches",
    boundedness: "bounded",
    replayable: true,
    description: {},
    createEnumerator: (context) => new StaticEnumerator(splits, context, total),
    createReader: (context) => new BatchReader(context, read),
  };
}

describe("BatchReader", () => {
  it("restores the position in any batch, empty ones and split ends too, and counts no work twice", async () => {
    const sizes = fc.array(fc.array(fc.nat({ max: 5 }), { maxLength: 5 }), { maxLength: 7 });
    await fc.assert(
      fc.asyncProperty(sizes, stages(3, 30), fc.integer({ min: 1, max: 3 }), async (each, cuts, last) => {
        const source = batches(each);
        await expectExactlyOnce(source, await readAll(source), cuts, last);
      }),
      { numRuns: 300 },
    );
  });

  it("right behind the last record has nothing left to give", async () => {
    const source = batches([[2, 3]]);
    const first = await SourceRun.start(source, 1);
    await first.read(() => 5);
    const cut = await first.cut();
    expect(cut.splits).to.deep.equal([{ id: "0", given: 5 }]);
    const second = await SourceRun.start(source, 1, cut);
    await second.read();
    expect(second.sequence).to.deep.equal([]);
    expect((await second.cut()).splits).to.deep.equal([]);
  });

  it("asks nothing of its context before it is started", () => {
    let asked = 0;
    const ask = () => {
      asked++;
    };
    const { signal } = new AbortController();
    const place = { job: "j", operator: "o", subtask: 0, parallelism: 1, signal, metrics: ignoredMetrics };
    const reader = batches([[1]]).createReader({ ...place, requestSplits: ask, wake: ask, fail: ask });
    reader.addSplits([{ id: "0", given: 1 }]);
    expect(reader.snapshot()).to.deep.equal([{ id: "0", given: 1 }]);
    expect(asked).to.equal(0);
  });

  it("fails if a restored split has fewer records than were given", async () => {
    const first = await SourceRun.start(batches([[3, 3]]), 1);
    await first.read(() => 5);
    const second = await SourceRun.start(batches([[3, 3]], 1), 1, await first.cut());
    const error: unknown = await second.read().catch((thrown: unknown) => thrown);
    expect(error).to.have.property("code", "SPLIT_CHANGED");
    await second.close();
  });
});
