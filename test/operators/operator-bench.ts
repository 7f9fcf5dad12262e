/** An operator driven by hand, in one subtask that owns all key groups, over the heap backend. */
import { expect } from "chai";
import type { Operator, OperatorContext, OperatorLogic } from "../../lib/operators/contract.js";
import type { StatePart } from "../../lib/state/contract.js";
import { heapBackend } from "../../lib/state/heap/backend.js";

export type Saved = Record<string, { value: unknown; stamp: number; keyGroup: number }[]>;

export class OperatorBench {
  readonly gate = { level: 0 };
  readonly parts = new Map<string, StatePart>();
  readonly rows: unknown[] = [];
  readonly times: number[] = [];
  readonly sides: [string, unknown][] = [];
  readonly counters = { lateRecordsDropped: 0, recordsFailed: 0 };
  readonly operator: Operator;
  wall = 0;
  steady = 0;
  wakes = 0;
  paused = false;
  /** The gate closes to `creditLevel` after this many records. */
  credit = Number.POSITIVE_INFINITY;
  creditLevel = 1;
  /** Watermarks that went on below. */
  readonly passed: number[] = [];
  private watermark = Number.NEGATIVE_INFINITY;
  private readvance = false;

  constructor(logic: OperatorLogic) {
    const declare = (part: StatePart) => {
      expect(this.parts.has(part.name)).to.equal(false);
      this.parts.set(part.name, part);
    };
    const context = {
      job: "job",
      operator: "operator",
      subtask: 0,
      parallelism: 1,
      maxParallelism: 128,
      gate: this.gate,
      counters: this.counters,
      out: (record: unknown, timestamp: number) => {
        this.rows.push(record);
        this.times.push(timestamp);
        if (--this.credit <= 0) this.gate.level = this.creditLevel;
      },
      side: (tag: string) => (record: unknown) => this.sides.push([tag, record]),
      wake: () => this.wakes++,
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
      advanceAgain: () => {
        this.readvance = true;
      },
      failed: (error: unknown) => {
        throw error;
      },
      now: () => this.steady,
      wallNow: () => this.wall,
      parts: { declare },
      keyedState: () =>
        heapBackend.open({
          job: "job",
          operator: "operator",
          subtask: 0,
          maxParallelism: 128,
          groups: { first: 0, last: 127 },
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
    if (this.readvance) this.advance(this.watermark);
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    this.readvance = false;
    while (this.operator.advance !== undefined && !this.operator.advance(watermark)) this.reopen();
    const passes = this.operator.passes === undefined ? watermark : this.operator.passes(watermark);
    if (passes > (this.passed.at(-1) ?? Number.NEGATIVE_INFINITY)) this.passed.push(passes);
  }

  freeze(): Saved {
    const saved: Saved = {};
    for (const part of this.parts.values()) {
      const entries: Saved[string] = [];
      saved[part.name] = entries;
      const frozen = part.freeze("full", {
        entry: (each, stamp, keyGroup) => entries.push({ value: structuredClone(each), stamp, keyGroup }),
      });
      while (!frozen.pack(() => false));
    }
    return saved;
  }

  load(saved: Saved): this {
    for (const [name, entries] of Object.entries(saved)) {
      for (const each of entries) this.parts.get(name)!.load(each.value, each.stamp, each.keyGroup);
    }
    return this;
  }

  /** Entries of state and timers. */
  get entries(): number {
    return Object.values(this.freeze()).reduce((sum, entries) => sum + entries.length, 0);
  }

  take(): unknown[] {
    this.times.length = 0;
    return this.rows.splice(0);
  }

  private reopen(): void {
    this.gate.level = 0;
    this.credit = 3;
  }
}
