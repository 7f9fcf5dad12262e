// @hot one lookup per record; guarded by benchmarks/nexmark
import { type CanonicalKey, canonicalKey } from "../state/key.js";
import { NumberIndex } from "../state/number-index.js";

const FIRST_SLOTS = 16;

/** Groups by key, their accumulators in typed cells (see accumulators.ts). */
export class GroupTable {
  private readonly byNumber = new NumberIndex();
  private readonly byKey = new Map<CanonicalKey, number>();
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

  /** The slot of a key, or -1. */
  find(key: unknown): number {
    if (typeof key === "number") return this.byNumber.get(key);
    const canonical = typeof key === "object" && key !== null ? canonicalKey(key) : (key as CanonicalKey);
    return this.byKey.get(canonical) ?? -1;
  }

  /** A new slot for a key that is not in the table yet; its cells are not reset. */
  insert(key: unknown): number {
    const slot = this.size++;
    if (typeof key === "number") this.byNumber.set(key, slot);
    else
      this.byKey.set(
        typeof key === "object" && key !== null ? canonicalKey(key) : (key as CanonicalKey),
        slot,
      );
    this.keys.push(key);
    if ((slot + 1) * this.numberCells > this.numbers.length) {
      const grown = new Float64Array(this.numbers.length * 2);
      grown.set(this.numbers);
      this.numbers = grown;
    }
    return slot;
  }

  /** The accumulators of all groups, or of those in `slots`, side by side; nothing can be found in it. */
  copy(objectCells: number, slots?: readonly number[]): GroupTable {
    const n = this.numberCells;
    const copied = new GroupTable(n);
    copied.size = slots?.length ?? this.size;
    if (slots === undefined) {
      copied.numbers = this.numbers.slice(0, this.size * n);
      copied.objects = this.objects.slice();
      for (const key of this.keys) copied.keys.push(key);
      return copied;
    }
    copied.numbers = new Float64Array(slots.length * n);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      copied.keys.push(this.keys[slot]);
      for (let cell = 0; cell < n; cell++) copied.numbers[i * n + cell] = this.numbers[slot * n + cell]!;
      for (let cell = 0; cell < objectCells; cell++) {
        copied.objects[i * objectCells + cell] = this.objects[slot * objectCells + cell];
      }
    }
    return copied;
  }

  /** Forgets every group; memory is kept for the next ones. */
  clear(): void {
    this.byNumber.clear();
    this.byKey.clear();
    this.keys.length = 0;
    this.objects.length = 0;
    this.size = 0;
  }
}
