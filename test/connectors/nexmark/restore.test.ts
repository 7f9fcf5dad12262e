import { expect } from "chai";
import fc from "fast-check";
import { disorder } from "../../../lib/connectors/nexmark/disorder.js";
import { NexmarkGenerator } from "../../../lib/connectors/nexmark/generator.js";
import { nexmarkSource } from "../../../lib/index.js";
import { SourceRun } from "../../../lib/testing/contracts/source-run.js";
import { expectExactlyOnce, readAll, stages } from "../../source/restoring.js";

describe("nexmark source", () => {
  it("gives every event once, whenever and at whatever parallelism it is restored", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 700 }),
        fc.constantFrom(1, 7, 50, 120),
        fc.integer({ min: 1, max: 6 }),
        stages(4, 170),
        fc.integer({ min: 1, max: 4 }),
        async (events, group, lanes, cuts, parallelism) => {
          const source = nexmarkSource({ events, disorder: group, lanes });
          await expectExactlyOnce(source, await readAll(source), cuts, parallelism);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("goes on in the middle of an epoch, lane after lane in the order of their epochs", async () => {
    const generator = new NexmarkGenerator(10_000);
    for (const [at, group] of [
      [0, 1],
      [49, 120],
      [50, 7],
      [173, 120],
    ] as const) {
      const source = nexmarkSource({ events: 730, disorder: group, lanes: 4 });
      const first = await SourceRun.start(source, 1);
      await first.read(() => at);
      const second = await SourceRun.start(source, 1, await first.cut());
      await second.read();
      await second.close();
      const places = Array.from({ length: 730 }, (_, place) => generator.event(disorder(place, group)));
      expect([...first.sequence.slice(0, at), ...second.sequence]).to.deep.equal(places);
    }
  });

  it("goes on with the lanes of the checkpoint if there are to be others", async () => {
    const before = nexmarkSource({ events: 1000, lanes: 4 });
    const first = await SourceRun.start(before, 2);
    await first.read(() => 130);
    const second = await SourceRun.start(nexmarkSource({ events: 1000, lanes: 7 }), 3, await first.cut());
    await second.read();
    await second.close();
    const given = [...first.sequence, ...second.sequence].map((event) => JSON.stringify(event));
    const all = [...(await readAll(before)).values()].flat().map((event) => JSON.stringify(event));
    expect(given.sort()).to.deep.equal(all.sort());
  });
});
