import { FrozenTable, type WriteGroup } from "./frozen-table.js";

const FIRST_SLOTS = 16;

/**
 * Accumulators in typed cells (see accumulators.ts), a slot for each set of them. Which slot is whose is up to the
 * tables made of it: group-table.ts, session-table.ts.
 *
 * Nothing is copied for a snapshot: once a table was frozen, a slot is *touched* before it changes for the first
 * time in an epoch (between two freezes), and what the snapshot still wants of it is written then.
 */
export abstract class CellTable {
  /** The keys as the user gave them, by slot. */
  readonly keys: unknown[] = [];
  numbers: Float64Array;
  objects: unknown[] = [];
  /** Slots in use are below this. */
  size = 0;
  /** By slot: the epoch in which it was last changed; 0 when that was before, or is in no snapshot. */
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

  /** A slot behind all others; its cells are not reset. */
  protected append(key: unknown): number {
    const slot = this.size++;
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

  /** Before a slot with a mark that is not this epoch's changes. */
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

  /** A snapshot still wants slots of this table. */
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

  /** Forgets every slot; memory is kept for the next ones. */
  clear(): void {
    this.packing?.pack(never);
    this.untrack();
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
