/** Stages drawn by fast-check, for the property that every replayable source has (lib/testing). */
import fc from "fast-check";
import type { Stage } from "../../lib/testing/contracts/source-contract.js";

export { expectExactlyOnce, readAll, type Stage } from "../../lib/testing/contracts/source-contract.js";

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
