/** Whole jobs in simulated time, with faults: exactly once whatever happens, and the same for the same seed. */
import { expect } from "chai";
import { planOf } from "../../lib/sim/plan.js";
import { shrink } from "../../lib/sim/shrink.js";
import { simulate } from "../../lib/sim/simulation.js";
import { topologies, topologyOf } from "../../lib/sim/topologies/all.js";
import type { Topology } from "../../lib/sim/topologies/topology.js";
import { knownSeeds } from "./seeds.js";

/** Of each topology; `npm run sim` runs as many as one likes. */
const SEEDS = 4;

describe("a simulated job", function () {
  this.timeout(60_000);

  const run = (seed: number, topology: Topology) =>
    simulate(planOf(seed, topology.name, topology.abilities), topology);

  for (const topology of topologies) {
    it(`is right: ${topology.name}`, async () => {
      for (let seed = 1000; seed < 1000 + SEEDS; seed++) {
        const { problems } = await run(seed, topology);
        expect(problems, `seed ${seed}`).to.deep.equal([]);
      }
    });
  }

  for (const { seed, topology, what } of knownSeeds) {
    it(`is right where ${what} (${topology} ${seed})`, async () => {
      expect((await run(seed, topologyOf(topology)!)).problems).to.deep.equal([]);
    });
  }

  it("is the same for the same seed, and another for another", async () => {
    const bursts = topologyOf("bursts")!;
    const [one, same, other] = [await run(7, bursts), await run(7, bursts), await run(8, bursts)];
    expect(same).to.deep.equal(one);
    expect(other.hash).not.to.equal(one.hash);
  });

  it("finds rows that are lost or come twice, and the least plan for it", async () => {
    const pipeline = topologyOf("pipeline")!;
    const wrong: Topology = {
      ...pipeline,
      rowsOf: (record) => (record.id === "a-0-4" ? { out: [] } : pipeline.rowsOf!(record)),
    };
    const fails = async (plan: ReturnType<typeof planOf>) =>
      (await simulate(plan, wrong)).problems.length > 0;
    const plan = { ...planOf(2, "pipeline", { stateless: true }), mode: "aligned" as const };
    expect(await fails(plan)).to.equal(true);
    const least = await shrink(plan, fails);
    expect(least.faults).to.deep.equal([]);
    expect(least).to.include({ records: 5, splits: 1, parallelism: 1 });
  });
});
