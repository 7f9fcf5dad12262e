// @hot one call per group in a snapshot
import type { FrozenPart } from "../state/contract.js";

/** Groups taken between two looks at the clock. */
const LOOK_EVERY = 256;

/** Writes a group as it is now. */
export type WriteGroup = (slot: number) => void;

/** The table, as a freeze of it sees it. */
export interface FreezableTable {
  readonly size: number;
  readonly marks: Uint8Array;
  readonly epoch: number;
  packed(frozen: FrozenTable): void;
  released(frozen: FrozenTable): void;
}

/**
 * One freeze of a GroupTable: writes its groups slice by slice in the order of their slots, which is that of memory,
 * and those that are about to change before the others. A group written has no mark of the epoch that ended, so
 * that two epochs are enough.
 */
export class FrozenTable implements FrozenPart {
  readonly kind: "full" | "delta";
  private readonly isFull: boolean;
  private readonly table: FreezableTable;
  /** The epoch that ended; 0 if there was none. */
  private readonly epoch: number;
  private readonly write: WriteGroup;
  private readonly size: number;
  private at = 0;
  private ended = false;

  constructor(table: FreezableTable, kind: "full" | "delta", epoch: number, write: WriteGroup) {
    this.kind = kind;
    this.isFull = kind === "full";
    this.table = table;
    this.epoch = epoch;
    this.write = write;
    this.size = table.size;
  }

  /** Before a group changes that has not changed since the freeze. */
  settle(slot: number): void {
    const isPending = this.isFull
      ? slot >= this.at && slot < this.size
      : this.table.marks[slot] === this.epoch;
    if (isPending) this.write(slot);
  }

  pack(timeIsUp: () => boolean): boolean {
    while (this.at < this.size && !this.ended) {
      if (this.isFull) this.packAll();
      else this.packMarked();
      if (timeIsUp()) break;
    }
    if (this.at < this.size && !this.ended) return false;
    this.ended = true;
    this.table.packed(this);
    return true;
  }

  release(): void {
    this.ended = true;
    this.table.released(this);
  }

  private packAll(): void {
    const { write } = this;
    const { marks, epoch } = this.table;
    const end = Math.min(this.size, this.at + LOOK_EVERY);
    for (let slot = this.at; slot < end; slot++) {
      if (marks[slot] === epoch) continue;
      write(slot);
      marks[slot] = 0;
    }
    this.at = end;
  }

  private packMarked(): void {
    const { write, epoch, size } = this;
    const { marks } = this.table;
    let slot = this.at;
    for (let left = LOOK_EVERY; left > 0 && slot < size; slot++) {
      if (marks[slot] !== epoch) continue;
      write(slot);
      marks[slot] = 0;
      left--;
    }
    this.at = slot;
  }
}
