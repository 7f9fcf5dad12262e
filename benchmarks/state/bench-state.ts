/** Keyed state of one subtask by itself, as an operator has it, without a job around it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EntryWriter } from "../../lib/checkpoint/entries.js";
import type { KeyedState, StateBackend, StatePart, ValueState } from "../../lib/state/contract.js";
import { keyGroupOf } from "../../lib/state/key.js";

const GROUPS = 128;
/** Accesses between two rests: about what a turn does. */
const TURN = 256;

export class BenchState {
  private readonly state: KeyedState;
  private readonly value: ValueState<number>;
  private readonly parts: StatePart[] = [];
  private readonly directory = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  private readonly writer = new EntryWriter("bench");
  /** The longest that a turn, with its rest, and a freeze have taken, ms. */
  longestTurnMs = 0;
  longestFreezeMs = 0;

  constructor(backend: StateBackend) {
    this.state = backend.open({
      job: "bench",
      operator: "bench",
      subtask: 0,
      maxParallelism: GROUPS,
      groups: { first: 0, last: GROUPS - 1 },
      directory: this.directory,
      now: Date.now,
      parts: { declare: (part) => this.parts.push(part) },
    });
    this.value = this.state.value("value", { kind: "value" });
  }

  /** Reads and updates the value of each key: `count` of them. */
  run(count: number, keyAt: (i: number) => number): void {
    const { state, value } = this;
    let from = performance.now();
    for (let i = 0; i < count; i++) {
      const key = keyAt(i);
      state.use(key, keyGroupOf(key, GROUPS));
      value.update((value.get() ?? 0) + 1);
      if (i % TURN !== 0) continue;
      state.rest(i);
      const now = performance.now();
      this.longestTurnMs = Math.max(this.longestTurnMs, now - from);
      from = now;
    }
  }

  /** Takes a snapshot in one go; answers its bytes. */
  snapshot(wanted: "full" | "delta"): number {
    let bytes = 0;
    const from = performance.now();
    const frozen = this.parts.map((part) => part.freeze(wanted, this.writer));
    this.longestFreezeMs = Math.max(this.longestFreezeMs, performance.now() - from);
    for (const part of frozen) part.pack(() => false);
    for (const chunk of this.writer.take()) bytes += chunk.length;
    return bytes;
  }

  async close(): Promise<void> {
    await this.state.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
