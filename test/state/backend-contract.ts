/** A backend's test calls `describeBackend`: the contract, and its model with steps that are made smaller. */
import fc from "fast-check";
import type { StateBackend } from "../../lib/state/contract.js";
import { CHANGES, KEYS, ModelRun, type Step } from "../../lib/testing/contracts/state-model.js";
import { type StateContractOptions, stateBackendContract } from "../../lib/testing/index.js";

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant("change" as const),
        key: fc.constantFrom(...KEYS),
        what: fc.constantFrom(...Object.keys(CHANGES)),
        n: fc.integer({ min: 0, max: 99 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("freeze" as const),
        kind: fc.constantFrom("full" as const, "delta" as const, "delta" as const),
      }),
    },
    { weight: 3, arbitrary: fc.constant({ do: "slice" as const }) },
    { weight: 2, arbitrary: fc.constant({ do: "pack" as const }) },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "release" }, { do: "restore" }, { do: "rest" }) },
  ),
  { minLength: 20, maxLength: 120 },
);

export function describeBackend(
  backend: StateBackend,
  { large, runs }: Required<Pick<StateContractOptions, "large" | "runs">>,
): void {
  describe(`${backend.name} state`, () => {
    for (const { name, run } of stateBackendContract(backend, { large, runs: 10 }))
      it(name, run).timeout(60_000);

    it("restores what there was at the freeze, with steps of any kind", async () => {
      await fc.assert(
        fc.asyncProperty(steps, (all) => new ModelRun(backend.open.bind(backend)).run(all)),
        { numRuns: runs },
      );
    }).timeout(60_000);
  });
}
