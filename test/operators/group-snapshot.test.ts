/** Snapshots of aggregates: written while records go on, and still what was there at the freeze. */
import { expect } from "chai";
import fc from "fast-check";
import { custom, sum } from "../../lib/operators/aggregates.js";
import type { Operator, OperatorContext } from "../../lib/operators/contract.js";
import { runningLogic } from "../../lib/operators/running-aggregate.js";
import { windowLogic } from "../../lib/operators/window-aggregate.js";
import type { FrozenPart, StatePart } from "../../lib/state/contract.js";
import { keyGroupOf } from "../../lib/state/key.js";
import { tumbling } from "../../lib/time/windows.js";

interface Item {
  readonly key: number | string;
  readonly amount: number;
}
type Groups = Map<unknown, { readonly value: any; readonly stamp: number }>;

const aggregates = {
  total: sum(({ amount }: Item) => amount),
  // An accumulator that changes in place.
  seen: custom<Item, number[], number>({
    create: () => [],
    add: (all, { amount }) => {
      all.push(amount);
      return all;
    },
    merge: (a, b) => [...a, ...b],
    result: (all) => all.length,
  }),
};
const key = ({ key }: Item) => key;

class Bench {
  readonly operator: Operator;
  readonly part: StatePart;
  readonly gate = { level: 0 };

  constructor(kind: "running" | "batched" | "windows") {
    const parts: StatePart[] = [];
    const context = {
      job: "job",
      operator: "operator",
      subtask: 0,
      parallelism: 1,
      maxParallelism: 128,
      gate: this.gate,
      out: () => undefined,
      counters: { lateRecordsDropped: 0 },
      parts: { declare: (part: StatePart) => parts.push(part) },
    };
    const project = undefined;
    const miniBatch = kind === "batched" ? { size: 5, latencyMs: 1000 } : undefined;
    const logic =
      kind === "windows"
        ? windowLogic({ aggregates, key, project, assigner: tumbling("10ms") })
        : runningLogic({ aggregates, key, project, miniBatch });
    this.operator = logic.create!(context as unknown as OperatorContext);
    this.part = parts.find(({ name }) => name === "groups" || name === "panes")!;
  }

  freeze(wanted: "full" | "delta"): { frozen: FrozenPart; written: Groups } {
    const written: Groups = new Map();
    const frozen = this.part.freeze(wanted, {
      entry: (value: any, stamp, keyGroup) => {
        const id = JSON.stringify([value.k, value.w]);
        expect(written.has(id), "a group is written once").to.equal(false);
        expect(keyGroup).to.equal(keyGroupOf(value.k, 128));
        written.set(id, { value: structuredClone(value), stamp });
      },
    });
    return { frozen, written };
  }
}

/** The latest stamp is the batch's; any other only says that a result is still to be emitted. */
function meaning(groups: Groups) {
  const stamps = [...groups.values()].map(({ stamp }) => stamp).filter((stamp) => !Number.isNaN(stamp));
  const all = [...groups].map(([id, { value, stamp }]) => [id, value, Number.isNaN(stamp)] as const);
  return { all: all.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)), latest: Math.max(...stamps) };
}

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant("add" as const), key: fc.nat(40), amount: fc.nat(9) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("slice" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("freeze" as const),
      wanted: fc.constantFrom("full" as const, "delta" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("time" as const) }) },
);

describe("a snapshot of groups", () => {
  for (const kind of ["running", "batched", "windows"] as const) {
    it(`is what was there at the freeze (${kind})`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
          // The twin lives through the same, and its snapshots are written at once.
          const [bench, twin] = [new Bench(kind), new Bench(kind)];
          let restored: Groups = new Map();
          let pending: { frozen: FrozenPart; written: Groups; expected: Groups } | undefined;
          let time = 0;
          const finish = () => {
            if (pending === undefined) return;
            while (!pending.frozen.pack(() => true));
            const { frozen, written, expected } = pending;
            restored = frozen.kind === "full" ? written : new Map([...restored, ...written]);
            expect(meaning(restored)).to.deep.equal(meaning(expected));
            pending = undefined;
          };
          for (const each of steps) {
            if (each.do === "add") {
              const item = { key: each.key % 3 === 0 ? `k${each.key}` : each.key, amount: each.amount };
              for (const { operator } of [bench, twin]) operator.element(item, time + (each.key % 7), 0);
            } else if (each.do === "time") {
              time += 6;
              for (const { operator } of [bench, twin]) operator.advance!(time - 1);
            } else if (each.do === "slice") pending?.frozen.pack(() => true);
            else if (each.do === "release") {
              pending?.frozen.release();
              if (pending !== undefined) restored = new Map();
              pending = undefined;
            } else {
              finish();
              const all = twin.freeze("full");
              all.frozen.pack(() => false);
              pending = { ...bench.freeze(each.wanted), expected: all.written };
            }
          }
          finish();
        }),
        { numRuns: 300 },
      );
    });
  }

  it("of few changed groups is small", () => {
    const bench = new Bench("running");
    for (let i = 0; i < 1000; i++) bench.operator.element({ key: i, amount: 1 }, 0, 0);
    bench.freeze("full").frozen.pack(() => false);
    bench.operator.element({ key: 7, amount: 1 }, 0, 0);
    const { frozen, written } = bench.freeze("delta");
    frozen.pack(() => false);
    expect(frozen.kind).to.equal("delta");
    expect([...written.values()].map(({ value }) => value.k)).to.deep.equal([7]);
  });
});
