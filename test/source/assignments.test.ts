import { expect } from "chai";
import fc from "fast-check";
import { Assignments } from "../../lib/source/assignments.js";

type Step =
  | { readonly do: "give"; readonly subtask: number }
  | { readonly do: "trigger" }
  | { readonly do: "complete"; readonly which: number }
  | { readonly do: "fail"; readonly subtask: number };

const subtask = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("give" as const), subtask }),
  fc.record({ do: fc.constant("trigger" as const) }),
  fc.record({ do: fc.constant("complete" as const), which: fc.nat({ max: 3 }) }),
  fc.record({ do: fc.constant("fail" as const), subtask }),
);

describe("assignments of splits", () => {
  it("go back exactly where the completed checkpoint does not hold them", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const assignments = new Assignments();
        // What each checkpoint holds of a reader is what the reader had at its trigger.
        let readers: string[][] = [[], [], []];
        const taken = new Map<number, string[][]>();
        let completed: string[][] = [[], [], []];
        let [id, splits] = [0, 0];
        for (const each of steps) {
          if (each.do === "give") {
            const given = Array.from({ length: splits % 3 }, (_, i) => ({ id: `${splits}-${i}` }));
            splits++;
            assignments.add(each.subtask, given);
            readers[each.subtask]!.push(...given.map((split) => split.id));
          } else if (each.do === "trigger") {
            assignments.onTriggered(++id);
            taken.set(id, structuredClone(readers));
          } else if (each.do === "complete") {
            const ids = [...taken.keys()];
            if (ids.length === 0) continue;
            const chosen = ids[each.which % ids.length]!;
            completed = taken.get(chosen)!;
            // Older ones are given up when a later one is complete.
            for (const older of ids) if (older <= chosen) taken.delete(older);
            assignments.onCompleted(chosen);
          } else {
            const had = readers[each.subtask]!;
            const restored = completed[each.subtask]!;
            const back = assignments.takeBack(each.subtask).map((split) => split.id);
            expect([...restored, ...back]).to.deep.equal(had);
            // Whoever fails takes all checkpoints under way with it.
            taken.clear();
            readers = readers.map((own, i) => (i === each.subtask ? [...restored] : own));
          }
        }
      }),
    );
  });
});
