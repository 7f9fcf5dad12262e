/** An operator driven by hand, over the heap backend: gates, snapshots, restore. */
import { expect } from "chai";
import type { Operator, OperatorContext, OperatorLogic } from "../../lib/operators/contract.js";
import type { KeyGroupRange, StateBackend, StatePart } from "../../lib/state/contract.js";
import { heapBackend } from "../../lib/state/heap/backend.js";
import { rangeOf } from "../../lib/state/key.js";

export type Saved = Record<string, { value: unknown; stamp: number; keyGroup: number }[]>;

/** One subtask; the only one unless it is told otherwise. */
export class Bench {
  readonly gate = { level: 0 };
  readonly parts = new Map<string, StatePart>();
  readonly rows: unknown[] = [];
  /** Of the rows. */
  readonly times: number[] = [];
  readonly sides: [string, unknown, number][] = [];
  readonly counters = { lateRecordsDropped: 0, recordsFailed: 0 };
  readonly operator: Operator;
  private readonly groups: KeyGroupRange;
  wall = 0;
  steady = 0;
  wakes = 0;
  /** The gate closes after this many records. */
  credit = Number.POSITIVE_INFINITY;
  /** The level of a closed gate: 2 suspends inside a record. */
  closed = 1;
  paused = false;
  /** Watermarks that went on below. */
  readonly passed: number[] = [];
  private watermark = Number.NEGATIVE_INFINITY;
  private advancesAgain = false;

  constructor(logic: OperatorLogic, subtask = 0, parallelism = 1, backend: StateBackend = heapBackend) {
    this.groups = rangeOf(subtask, 128, parallelism);
    const declare = (part: StatePart) => {
      expect(this.parts.has(part.name)).to.equal(false);
      this.parts.set(part.name, part);
    };
    const context = {
      job: "job",
      operator: "operator",
      subtask,
      parallelism,
      maxParallelism: 128,
      gate: this.gate,
      out: (record: unknown, timestamp: number) => {
        this.rows.push(record);
        this.times.push(timestamp);
        if (--this.credit <= 0) this.gate.level = this.closed;
      },
      side: (tag: string) => (record: unknown, timestamp: number) =>
        this.sides.push([tag, record, timestamp]),
      counters: this.counters,
      wake: () => this.wakes++,
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
      advanceAgain: () => {
        this.advancesAgain = true;
      },
      failed: (error: unknown) => {
        throw error;
      },
      now: () => this.steady,
      wallNow: () => this.wall,
      parts: { declare },
      keyedState: () =>
        backend.open({
          job: "job",
          operator: "operator",
          subtask,
          maxParallelism: 128,
          groups: this.groups,
          directory: "",
          now: () => this.wall,
          parts: { declare },
        }),
    };
    this.operator = logic.create!(context as unknown as OperatorContext);
  }

  /** Goes on until nothing is suspended; the gate opens as often as it closes. */
  settle(): void {
    while (this.operator.proceed !== undefined && !this.operator.proceed()) this.reopen();
    if (this.advancesAgain) this.advance(this.watermark);
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    this.advancesAgain = false;
    while (this.operator.advance !== undefined && !this.operator.advance(watermark)) this.reopen();
    const passes = this.operator.passes === undefined ? watermark : this.operator.passes(watermark);
    if (passes > (this.passed.at(-1) ?? Number.NEGATIVE_INFINITY)) this.passed.push(passes);
  }

  /** Entries of state and timers. */
  get entries(): number {
    return Object.values(this.freeze()()).reduce((sum, entries) => sum + entries.length, 0);
  }

  freeze(): () => Saved {
    const saved: Saved = {};
    const frozen = [...this.parts.values()].map((part) => {
      const entries: Saved[string] = [];
      saved[part.name] = entries;
      return part.freeze("full", {
        entry: (each, stamp, keyGroup) => entries.push({ value: structuredClone(each), stamp, keyGroup }),
      });
    });
    return () => {
      for (const each of frozen) while (!each.pack(() => true));
      return saved;
    };
  }

  /** Loads what is this subtask's of a snapshot. */
  load(saved: Saved): this {
    for (const [name, entries] of Object.entries(saved)) {
      const part = this.parts.get(name)!;
      for (const { value, stamp, keyGroup } of entries) {
        if (part.scope === "keyed" && !this.owns(keyGroup)) continue;
        part.load(structuredClone(value), stamp, keyGroup);
      }
    }
    return this;
  }

  owns(keyGroup: number): boolean {
    return keyGroup >= this.groups.first && keyGroup <= this.groups.last;
  }

  take(): unknown[] {
    return this.rows.splice(0);
  }

  private reopen(): void {
    this.gate.level = 0;
    this.credit = 3;
  }
}
