// @hot one lookup per record; guarded by benchmarks/nexmark
import { type CanonicalKey, canonicalKey } from "../state/key.js";
import { NumberIndex } from "../state/number-index.js";
import { FrozenTable, type WriteGroup } from "./frozen-table.js";

const FIRST_SLOTS = 16;

/**
 * Groups by key, their accumulators in typed cells (see accumulators.ts).
 *
 * Nothing is copied for a snapshot: once a table was frozen, a group is *touched* before it changes for the first
 * time in an epoch (between two freezes), and what the snapshot still wants of it is written then.
 */
export class GroupTable {
  private readonly byNumber = new NumberIndex();
  private readonly byKey = new Map<CanonicalKey, number>();
  /** The keys as the user gave them, by slot. */
  readonly keys: unknown[] = [];
  numbers: Float64Array;
  objects: unknown[] = [];
  size = 0;
  /** By slot: the epoch in which a group was last changed; 0 when that was before, or is in no snapshot. */
  marks = new Uint8Array(FIRST_SLOTS);
  /** 1 and 2 in turn; 0 until the table is frozen: nothing is touched. */
  epoch = 0;
  /** The freeze that is not packed yet, and the last one, packed or not. */
  private packing: FrozenTable | undefined;
  private last: FrozenTable | undefined;
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
    if (slot === this.marks.length) {
      const grown = new Uint8Array(slot * 2);
      grown.set(this.marks);
      this.marks = grown;
    }
    return slot;
  }

  /** Before a group with a mark that is not this epoch's changes. */
  touch(slot: number): void {
    if (this.packing !== undefined) this.packing.settle(slot);
    this.marks[slot] = this.epoch;
  }

  /** A freeze before the last one is packed finishes that one first. */
  freeze(wanted: "full" | "delta", write: WriteGroup): FrozenTable {
    this.packing?.pack(never);
    const { epoch } = this;
    this.epoch = epoch === 1 ? 2 : 1;
    const frozen = new FrozenTable(this, epoch === 0 ? "full" : wanted, epoch, write);
    this.packing = frozen;
    this.last = frozen;
    return frozen;
  }

  /** A snapshot still wants groups of this table. */
  get wanted(): boolean {
    return this.packing !== undefined;
  }

  /** A freeze is packed or given up. */
  packed(frozen: FrozenTable): void {
    if (this.packing === frozen) this.packing = undefined;
  }

  /** Nobody wants a freeze any more: if it was the last, the next one has nothing to build on. */
  released(frozen: FrozenTable): void {
    this.packed(frozen);
    if (this.last === frozen) this.untrack();
  }

  /** Forgets every group; memory is kept for the next ones. */
  clear(): void {
    this.packing?.pack(never);
    this.untrack();
    this.byNumber.clear();
    this.byKey.clear();
    this.keys.length = 0;
    this.objects.length = 0;
    this.size = 0;
  }

  private untrack(): void {
    if (this.epoch === 0) return;
    this.marks.fill(0);
    this.epoch = 0;
    this.last = undefined;
  }
}

function never(): boolean {
  return false;
}
