import fc from "fast-check";
import { datagenSource } from "../../../lib/index.js";
import { expectExactlyOnce, readAll, stages } from "../../source/restoring.js";

describe("datagen", () => {
  it("gives every record once, whenever and at whatever parallelism it is restored", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 60 }),
        fc.integer({ min: 1, max: 7 }),
        stages(4, 20),
        fc.integer({ min: 1, max: 4 }),
        async (count, splits, cuts, parallelism) => {
          const record = (i: number, random: { u32(): number }) => ({ i, drawn: random.u32() });
          const source = datagenSource({ count, splits, record });
          await expectExactlyOnce(source, await readAll(source), cuts, parallelism);
        },
      ),
    );
  });
});
