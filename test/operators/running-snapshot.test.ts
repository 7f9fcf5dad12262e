/** Running aggregates with mini-batches across a restore: what was emitted once is not emitted again. */
import { expect } from "chai";
import { count } from "../../lib/operators/aggregates.js";
import type { Operator, OperatorContext } from "../../lib/operators/contract.js";
import { runningLogic } from "../../lib/operators/running-aggregate.js";
import type { StatePart } from "../../lib/state/contract.js";

interface Entry {
  readonly value: unknown;
  readonly stamp: number;
}

class Subtask {
  readonly rows: unknown[] = [];
  readonly operator: Operator;
  private part!: StatePart;

  constructor(loaded: readonly Entry[] = []) {
    const logic = runningLogic({
      aggregates: { n: count() },
      key: (record: { key: string }) => record.key,
      project: undefined,
      miniBatch: { size: 1000, latencyMs: 1000 },
    });
    this.operator = logic.create!({
      maxParallelism: 128,
      gate: { level: 0 },
      out: (record: unknown, timestamp: number) => this.rows.push([record, timestamp]),
      parts: {
        declare: (part: StatePart) => {
          this.part = part;
        },
      },
    } as unknown as OperatorContext);
    for (const { value, stamp } of loaded) this.part.load(value, stamp, 0);
    this.operator.open?.();
  }

  add(key: string, timestamp: number): void {
    this.operator.element({ key }, timestamp, 0);
  }

  /** The batch is over. */
  emit(): unknown[] {
    this.operator.rest!(0);
    this.operator.rest!(1000);
    expect(this.operator.proceed!()).to.equal(true);
    return this.rows.splice(0);
  }

  freeze(wanted: "full" | "delta"): Entry[] {
    const entries: Entry[] = [];
    const frozen = this.part.freeze(wanted, {
      entry: (value, stamp) => entries.push({ value: structuredClone(value), stamp }),
    });
    expect(frozen.kind).to.equal(wanted);
    expect(frozen.pack(() => false)).to.equal(true);
    return entries;
  }
}

describe("running aggregate with mini-batches", () => {
  it("emits after a restore what it had not emitted, and nothing else", () => {
    const before = new Subtask();
    before.add("a", 1);
    before.add("b", 2);
    const full = before.freeze("full");
    const afterFull = new Subtask(full);
    expect(afterFull.emit()).to.deep.equal([
      [{ key: "a", n: 1 }, 2],
      [{ key: "b", n: 1 }, 2],
    ]);
    expect(before.emit()).to.have.length(2);
    before.add("b", 7);
    const delta = before.freeze("delta");
    const after = new Subtask([...full, ...delta]);
    expect(after.emit()).to.deep.equal([[{ key: "b", n: 2 }, 7]]);
    after.add("a", 9);
    expect(after.emit()).to.deep.equal([[{ key: "a", n: 2 }, 9]]);
  });
});
