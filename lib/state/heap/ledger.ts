// @hot one comparison per access while no snapshot is packed
import type { EntrySink, FrozenPart } from "../contract.js";
import { GONE } from "../entry.js";
import type { Expiry } from "../expiry.js";
import { Cell, DISCARDED } from "./cell.js";

/** The cells of one state, as the ledger sees them. */
export interface CellTable {
  /** All cells, also those whose content is gone; cells may come and go between two steps. */
  cells(): Iterator<Cell>;
  /** Takes out a cell whose content is gone. */
  remove(cell: Cell): void;
  entryOf(cell: Cell): unknown;
  goneOf(cell: Cell): unknown;
}

/** Cells between two looks at the clock. */
const STRIDE = 64;
/** Discarded cells in the list of changes before it is rewritten. */
const DISCARDED_MAX = 1024;

const never = (): boolean => false;

/**
 * Knows which cells changed since the last freeze, and which the snapshot being packed still has to write.
 *
 * Freeze n ends epoch n. A cell that is pending for snapshot n is written the first time it is handed out or
 * changed after that, the rest slice by slice; so every cell is written as it was at the freeze.
 */
export class Ledger {
  /** Twice the number of the snapshot being packed, 0 when none is: cells with less in `packed` are pending. */
  frozen = 0;
  epoch = 1;
  /** Every cell with `mark === epoch`, once, and discarded ones; only while there is something to build on. */
  private changed: Cell[] = [];
  private discarded = 0;
  /** Whether a delta has something to build on: a freeze or what was loaded. */
  private based = false;
  /** The freeze whose cells are being packed, and the last one, packed or not. */
  private packing: Packing | undefined;
  private last: Packing | undefined;
  private readonly table: CellTable;
  private readonly expiry: Expiry;

  constructor(table: CellTable, expiry: Expiry) {
    this.table = table;
    this.expiry = expiry;
  }

  /** A new cell, for the table to take in. */
  born(key: unknown, at: unknown, group: number, value: unknown, stamp: number): Cell {
    const cell = new Cell(key, at, group, value, stamp, this.epoch, 2 * this.epoch - 1);
    if (this.based) this.changed.push(cell);
    return cell;
  }

  /** A cell of a checkpoint. */
  loaded(key: unknown, at: unknown, group: number, value: unknown, stamp: number): Cell {
    this.based = true;
    return new Cell(key, at, group, value, stamp, 0, 0);
  }

  /** Before the content of a cell with `packed < frozen` is handed out. */
  hand(cell: Cell): void {
    const { value } = cell;
    if (typeof value === "object" && value !== null) this.settle(cell);
  }

  /** Before a cell with `mark !== epoch` is changed. */
  touch(cell: Cell): void {
    if (cell.packed < this.frozen) this.settle(cell);
    cell.mark = this.epoch;
    if (this.based) this.changed.push(cell);
  }

  /** Removes the content. True when the table has to take the cell out: nobody has heard of it yet. */
  kill(cell: Cell): boolean {
    if (cell.packed === 2 * this.epoch - 1) {
      this.discard(cell);
      return true;
    }
    if (cell.mark !== this.epoch) this.touch(cell);
    cell.value = GONE;
    cell.stamp = 0;
    return false;
  }

  /**
   * Forgets a cell that has expired; the table takes it out. No delta tells of it: whatever an older checkpoint
   * has of it carries a stamp that has passed as well.
   */
  discard(cell: Cell): void {
    const listed = this.based && cell.mark === this.epoch;
    cell.packed = DISCARDED;
    cell.value = GONE;
    cell.stamp = 0;
    if (!listed || ++this.discarded < DISCARDED_MAX || this.discarded * 2 < this.changed.length) return;
    this.changed = this.changed.filter(({ packed }) => packed !== DISCARDED);
    this.discarded = 0;
  }

  freeze(wanted: "full" | "delta", sink: EntrySink): FrozenPart {
    this.packing?.pack(never);
    const full = wanted === "full" || !this.based;
    const cells = full ? this.table.cells() : new Listed(this.changed);
    this.changed = [];
    this.discarded = 0;
    this.based = true;
    this.frozen = 2 * this.epoch;
    this.epoch++;
    this.last = new Packing(this, cells, full, sink, this.table);
    this.packing = this.last;
    return this.last;
  }

  /** Writes a pending cell, if the snapshot wants it. */
  settle(cell: Cell): void {
    cell.packed = this.frozen;
    const { full, sink } = this.packing!;
    if (!full && cell.mark !== this.epoch - 1) return;
    if (cell.value === GONE) {
      if (!full) sink.entry(this.table.goneOf(cell), 0, cell.group);
    } else if (!this.expiry.expired(cell.stamp)) {
      sink.entry(this.table.entryOf(cell), cell.stamp, cell.group);
    }
  }

  /** The snapshot is packed or given up. */
  end(): void {
    this.packing = undefined;
    this.frozen = 0;
  }

  /** A freeze is given up: if it was the last, the next one has nothing to build on. */
  giveUp(packing: Packing): void {
    if (this.last !== packing) return;
    this.based = false;
    this.changed = [];
    this.discarded = 0;
  }
}

/** The cells of a list, with one answer for all. */
class Listed implements Iterator<Cell, undefined> {
  private readonly list: readonly Cell[];
  private readonly answer: { done: boolean; value: Cell | undefined } = { done: false, value: undefined };
  private at = 0;

  constructor(list: readonly Cell[]) {
    this.list = list;
  }

  next(): IteratorResult<Cell, undefined> {
    const { answer, list } = this;
    answer.value = list[this.at++];
    answer.done = this.at > list.length;
    return answer as IteratorResult<Cell, undefined>;
  }
}

/** One freeze of a ledger. */
class Packing implements FrozenPart {
  readonly kind: "full" | "delta";
  readonly full: boolean;
  readonly sink: EntrySink;
  private readonly ledger: Ledger;
  private readonly cells: Iterator<Cell>;
  private readonly table: CellTable;
  /** The cells of one stride. */
  private readonly near: Cell[] = [];
  /** Of no use but that the reads of `fetch` are not optimised away. */
  groups = 0;
  private ended = false;

  constructor(ledger: Ledger, cells: Iterator<Cell>, full: boolean, sink: EntrySink, table: CellTable) {
    this.ledger = ledger;
    this.cells = cells;
    this.full = full;
    this.kind = full ? "full" : "delta";
    this.sink = sink;
    this.table = table;
  }

  pack(timeIsUp: () => boolean): boolean {
    const { ledger, near, table } = this;
    const { frozen, epoch } = ledger;
    while (!this.ended) {
      const count = this.fetch();
      for (let i = 0; i < count; i++) {
        const cell = near[i]!;
        if (cell.packed < frozen) ledger.settle(cell);
        if (cell.value === GONE && cell.mark !== epoch && cell.packed !== DISCARDED) table.remove(cell);
      }
      if (count < STRIDE) this.end();
      else if (timeIsUp()) return false;
    }
    return true;
  }

  release(): void {
    if (!this.ended) this.end();
    this.ledger.giveUp(this);
  }

  /**
   * Takes the next cells and reads a word of each: they are spread over memory, and reads that do not wait for each
   * other halve the time of a snapshot.
   */
  private fetch(): number {
    const { cells, near } = this;
    let count = 0;
    for (; count < STRIDE; count++) {
      const step = cells.next();
      if (step.done === true) break;
      near[count] = step.value;
    }
    let groups = 0;
    for (let i = 0; i < count; i++) groups |= near[i]!.group;
    this.groups = groups;
    return count;
  }

  private end(): void {
    this.ended = true;
    this.ledger.end();
  }
}
