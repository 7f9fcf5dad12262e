/** The property that every replayable source has. */
import { expect } from "chai";
import fc from "fast-check";
import type { SourceDefinition } from "../../lib/source/contract.js";
import { type BySplit, type Cut, SourceRun } from "../../lib/testing/contracts/source-run.js";

/** A run up to a checkpoint: its parallelism, and how many records each reader gives. */
export interface Stage {
  readonly parallelism: number;
  readonly limits: readonly number[];
}

/** One to three runs, each going on from the checkpoint of the one before. */
export function stages(parallelismMax: number, recordsMax: number): fc.Arbitrary<Stage[]> {
  const limit = fc.oneof(fc.nat({ max: recordsMax }), fc.nat({ max: 3 }));
  return fc.array(
    fc.record({
      parallelism: fc.integer({ min: 1, max: parallelismMax }),
      limits: fc.array(limit, { minLength: parallelismMax, maxLength: parallelismMax }),
    }),
    { minLength: 1, maxLength: 3 },
  );
}

/** All records, read at once. */
export async function readAll(definition: SourceDefinition<any, any>): Promise<BySplit> {
  const run = await SourceRun.start(definition, 1);
  await run.read();
  await run.close();
  return run.records;
}

/**
 * Reads through the stages and then, at `parallelism`, to the end. What all runs gave together has to be `all`,
 * each split's records in order; and the work they did has to be the total, if there is one.
 */
export async function expectExactlyOnce(
  definition: SourceDefinition<any, any>,
  all: BySplit,
  cuts: readonly Stage[],
  parallelism: number,
): Promise<void> {
  const given: BySplit = new Map();
  let consumed = 0;
  const gather = (run: SourceRun) => {
    consumed += run.consumed;
    for (const [id, records] of run.records) given.set(id, [...(given.get(id) ?? []), ...records]);
  };
  let from: Cut | undefined;
  for (const stage of cuts) {
    const run = await SourceRun.start(definition, stage.parallelism, from);
    await run.read((subtask) => stage.limits[subtask]!);
    gather(run);
    from = await run.cut();
  }
  const last = await SourceRun.start(definition, parallelism, from);
  await last.read();
  gather(last);
  const nothing = await last.cut();
  expect(nothing.splits).to.deep.equal([]);
  expect([...given.keys()].sort()).to.deep.equal([...all.keys()].sort());
  for (const [id, records] of all) expect(given.get(id), id).to.deep.equal(records);
  if (last.total !== undefined) expect(consumed).to.equal(last.total);
}
