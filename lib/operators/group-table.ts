// @hot one lookup per record; guarded by benchmarks/nexmark
import type { CanonicalKey } from "../state/key.js";

const FIRST_SLOTS = 16;

/** Groups by key, their accumulators in typed cells (see accumulators.ts). */
export class GroupTable {
  readonly index = new Map<CanonicalKey, number>();
  /** The keys as the user gave them, by slot. */
  readonly keys: unknown[] = [];
  numbers: Float64Array;
  objects: unknown[] = [];
  size = 0;
  private readonly numberCells: number;

  constructor(numberCells: number) {
    this.numberCells = numberCells;
    this.numbers = new Float64Array(FIRST_SLOTS * numberCells);
  }

  /** A new slot for a key that is not in the table yet; its cells are not reset. */
  insert(canonical: CanonicalKey, key: unknown): number {
    const slot = this.size++;
    this.index.set(canonical, slot);
    this.keys.push(key);
    if ((slot + 1) * this.numberCells > this.numbers.length) {
      const grown = new Float64Array(this.numbers.length * 2);
      grown.set(this.numbers);
      this.numbers = grown;
    }
    return slot;
  }
}
