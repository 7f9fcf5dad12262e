import { expect } from "chai";
import fc from "fast-check";
import { type Digest, RowDigest } from "../../../lib/connectors/digest/row-digest.js";
import { digestSink } from "../../../lib/connectors/digest/sink.js";
import type { SinkDefinition } from "../../../lib/sink/contract.js";
import { SinkRun } from "../../../lib/testing/contracts/sink-run.js";

function digestOf(rows: readonly number[]): Digest {
  const digest = new RowDigest();
  for (const row of rows) digest.add(row);
  return digest.digest;
}

describe("digest sink", () => {
  const definition = digestSink() as SinkDefinition<never>;

  it("counts the rows of complete checkpoints once, through crashes and at any parallelism", async () => {
    const step = fc.oneof(
      fc.record({ write: fc.integer({ min: 1, max: 5 }) }),
      fc.constantFrom({ checkpoint: "complete" }, { checkpoint: "aborted" }),
      fc.record({ crash: fc.integer({ min: 1, max: 3 }) }),
    );
    const check = async (steps: readonly { write?: number; checkpoint?: string; crash?: number }[]) => {
      const run = new SinkRun(definition);
      await run.start(2);
      let [next, safe, open] = [0, [] as number[], [] as number[]];
      for (const { write = 0, checkpoint, crash } of steps) {
        for (let i = 0; i < write; i++) {
          open.push(next);
          run.write(next * 7, next++);
        }
        if (checkpoint === "aborted") await run.barrier();
        if (checkpoint === "complete") {
          await run.checkpoint();
          [safe, open] = [[...safe, ...open], []];
        }
        if (crash !== undefined) {
          open = [];
          await run.crash(true);
          await run.start(crash);
        }
      }
      expect(run.sent).to.deep.equal([]);
      run.finish();
      await run.checkpoint();
      expect(RowDigest.merge(run.released as Digest[])).to.deep.equal(digestOf([...safe, ...open]));
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), check), { numRuns: 60 });
  });

  it("remembers nothing that it has given", async () => {
    const run = new SinkRun(definition);
    await run.start(2);
    run.write(0, 1);
    run.subtasks[0]!.operator.finish?.();
    await run.checkpoint();
    await run.crash(true);
    await run.start(1);
    run.write(0, 2);
    run.finish();
    await run.checkpoint();
    expect(RowDigest.merge(run.released as Digest[])).to.deep.equal(digestOf([1, 2]));
  });
});
