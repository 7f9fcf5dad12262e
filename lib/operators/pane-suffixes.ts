// @hot some merges a group and slide; guarded by benchmarks/windows
/**
 * Windows of many panes, merged without merging all panes for each (the two stacks of sliding-window aggregation;
 * "DABA", Tangwongsan and others 2017, calls it Two-Stacks). The panes of a window are two runs:
 *
 *     start          frontEnd          end
 *     |  p  p  p  p  p  |  p  p  p  p  |
 *     front: one table per pane, of it  back: one table of all
 *     and all panes behind it in front
 *
 * so that a window is a table of the front and the back, and when the front is used up it is made anew of everything:
 * every pane is merged about three times in all, whatever the aggregates. Panes keep their order in every merge.
 *
 * Invariant: the tables hold what the panes held when they were merged; `forget` when an earlier pane changes.
 */
import type { GroupCode } from "./group-code.js";
import type { GroupTable } from "./group-table.js";
import type { Panes } from "./panes.js";

export class PaneSuffixes {
  /** Panes before this are merged: -Infinity where none is. */
  until = Number.NEGATIVE_INFINITY;
  private readonly code: GroupCode;
  private readonly panes: Panes;
  /** Of the panes from `frontStart` on, the last pane's first. */
  private readonly front: GroupTable[] = [];
  private frontStart = 0;
  private readonly back: GroupTable;
  private readonly spare: GroupTable[] = [];

  constructor(code: GroupCode, panes: Panes) {
    this.code = code;
    this.panes = panes;
    this.back = code.table();
  }

  /** All groups of a window; starts and ends of successive calls grow. Good until the next call. */
  tableOf(start: number, end: number): GroupTable {
    while (this.front.length > 0 && this.frontStart < start) this.drop();
    if (this.front.length === 0) this.turn(start, end);
    else {
      const { size } = this.panes;
      for (let pane = this.until; pane < end; pane += size) this.fold(this.back, this.panes.get(pane));
      this.until = end;
    }
    // In place: no later window begins with this pane.
    const table = this.front.at(-1)!;
    this.fold(table, this.back);
    return table;
  }

  /** A pane that is merged already has changed. */
  forget(): void {
    while (this.front.length > 0) this.drop();
    this.until = Number.NEGATIVE_INFINITY;
  }

  /** Makes the front of all panes of a window. */
  private turn(start: number, end: number): void {
    const { size } = this.panes;
    for (let pane = end - size; pane >= start; pane -= size) {
      const table = this.spare.pop() ?? this.code.table();
      this.fold(table, this.panes.get(pane));
      this.fold(table, this.front.at(-1));
      this.front.push(table);
    }
    this.frontStart = start;
    this.until = end;
    this.back.clear();
  }

  private drop(): void {
    const table = this.front.pop()!;
    table.clear();
    this.spare.push(table);
    this.frontStart += this.panes.size;
  }

  private fold(into: GroupTable, table: GroupTable | undefined): void {
    if (table === undefined) return;
    for (let slot = 0; slot < table.size; slot++) this.code.merge(into, table, slot);
  }
}
