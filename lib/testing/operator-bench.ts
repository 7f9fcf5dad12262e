/** An operator driven by hand, over the heap backend: gates, snapshots, restore. */

import { assert, present } from "../base/assert.js";
import { MillraceError } from "../base/error.js";
import type { Operator, OperatorContext, OperatorLogic } from "../operators/contract.js";
import type { FunctionLifecycle } from "../operators/function-context.js";
import { UserFunctions } from "../runtime/user-functions.js";
import type { KeyGroupRange, StateBackend, StatePart } from "../state/contract.js";
import { heapBackend } from "../state/heap/backend.js";
import { rangeOf } from "../state/key.js";

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
  private readonly functions: UserFunctions;
  private readonly groups: KeyGroupRange;
  wall = 0;
  steady = 0;
  wakes = 0;
  /** The gate closes after this many records. */
  credit = Number.POSITIVE_INFINITY;
  /** The level of a closed gate: 2 suspends inside a record. */
  closed = 1;
  paused = false;
  /** What an opened gate takes until it closes again. */
  refill = 3;
  /** A closed gate refuses an offer before it opens; what emits all the same breaks the contract. */
  refuses = false;
  /** Done to every record that is emitted. */
  carry: (record: unknown) => unknown = (record) => record;
  /** Watermarks that went on below. */
  readonly passed: number[] = [];
  private watermark = Number.NEGATIVE_INFINITY;
  private advancesAgain = false;

  constructor(logic: OperatorLogic, subtask = 0, parallelism = 1, backend: StateBackend = heapBackend) {
    this.groups = rangeOf(subtask, 128, parallelism);
    this.functions = new UserFunctions({
      job: "job",
      subtask,
      parallelism,
      attempt: 1,
      signal: new AbortController().signal,
      declared: new Map(),
      now: () => this.steady,
      send: () => undefined,
      failed: (error) => {
        throw error;
      },
    });
    const declare = (part: StatePart) => {
      assert(!this.parts.has(part.name), `two parts are named "${part.name}"`);
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
        this.rows.push(this.carry(record));
        this.times.push(timestamp);
        if (--this.credit <= 0) this.gate.level = this.closed;
      },
      side: (tag: string) => (record: unknown, timestamp: number) =>
        this.sides.push([tag, this.carry(record), timestamp]),
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
      sourcePosition: () => undefined,
      failed: (error: unknown) => {
        throw error;
      },
      now: () => this.steady,
      wallNow: () => this.wall,
      lifecycle: (functions: FunctionLifecycle) =>
        this.functions.register({ uid: "operator", name: "operator" }, functions),
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
    this.operator = present(logic.create)(context as unknown as OperatorContext);
  }

  /** Goes on until nothing is suspended; the gate opens as often as it closes. */
  settle(): void {
    this.through(() => this.operator.proceed?.() ?? true);
    if (this.advancesAgain) this.advance(this.watermark);
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    this.advancesAgain = false;
    this.through(() => this.operator.advance?.(watermark) ?? true);
    const passes = this.operator.passes === undefined ? watermark : this.operator.passes(watermark);
    if (passes > (this.passed.at(-1) ?? Number.NEGATIVE_INFINITY)) this.passed.push(passes);
  }

  /** Wall time is `wall`. */
  tick(wall: number): void {
    this.wall = wall;
    this.operator.rest?.(this.steady);
    this.settle();
  }

  finish(): void {
    this.through(() => this.operator.finish?.() ?? true);
  }

  /** Entries of state and timers. */
  get entries(): number {
    return Object.values(this.freeze()()).reduce((sum, entries) => sum + entries.length, 0);
  }

  /** What has changed since the snapshot before, `base`, and `base` itself: as one to be loaded. */
  freezeSince(base: Saved): Saved {
    const kinds = new Map<string, string>();
    const changes = this.freeze("delta", kinds)();
    return Object.fromEntries(
      Object.entries(changes).map(([name, entries]) => {
        return [name, kinds.get(name) === "delta" ? [...(base[name] ?? []), ...entries] : entries];
      }),
    );
  }

  freeze(wanted: "full" | "delta" = "full", kinds = new Map<string, string>()): () => Saved {
    const saved: Saved = {};
    const frozen = [...this.parts.values()].map((part) => {
      const entries: Saved[string] = [];
      saved[part.name] = entries;
      const taken = part.freeze(wanted, {
        entry: (each, stamp, keyGroup) => entries.push({ value: structuredClone(each), stamp, keyGroup }),
      });
      kinds.set(part.name, taken.kind);
      return taken;
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

  /** Calls until it is through; the gate opens as often as it has closed. */
  private through(go: () => boolean): void {
    while (!go()) this.reopen(go);
  }

  private reopen(go: () => boolean): void {
    if (this.refuses && this.gate.level > 0) {
      const before = this.rows.length + this.sides.length;
      go();
      if (this.rows.length + this.sides.length > before) {
        throw new MillraceError("TEST_CONTRACT_BROKEN", "the operator emits although its gate is closed");
      }
    }
    this.gate.level = 0;
    this.credit = this.refill;
  }
}
