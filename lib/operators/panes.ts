// @hot one comparison per record while records stay in a pane; guarded by benchmarks/nexmark
import { type AlignedWindows, paneSize, refuseUnstamped, windowStart } from "../time/windows.js";
import type { FrozenTable } from "./frozen-table.js";
import type { GroupCode } from "./group-code.js";
import type { WriteInto } from "./group-part.js";
import type { GroupTable } from "./group-table.js";

const SPARE_MAX = 4;

function noStamp(): number {
  return 0;
}

/** Group tables by pane: the stretches of time that windows share (see paneSize). */
export class Panes {
  readonly size: number;
  private readonly offset: number;
  private readonly code: GroupCode;
  private readonly tables = new Map<number, GroupTable>();
  private start = Number.NaN;
  private end = Number.NaN;
  private table: GroupTable | undefined;
  /** Emptied tables: their memory has the size that the next pane will need. */
  private readonly spare: GroupTable[] = [];

  constructor(code: GroupCode, assigner: AlignedWindows) {
    this.code = code;
    this.size = paneSize(assigner);
    this.offset = assigner.offset;
  }

  /** The table of the pane that holds `timestamp`; made if absent. */
  at(timestamp: number): GroupTable {
    if (timestamp >= this.start && timestamp < this.end) return this.table!;
    if (Number.isNaN(timestamp)) refuseUnstamped();
    this.start = windowStart(timestamp, this.size, this.offset);
    this.end = this.start + this.size;
    let table = this.tables.get(this.start);
    if (table === undefined) {
      table = this.spare.pop() ?? this.code.table();
      this.tables.set(this.start, table);
    }
    this.table = table;
    return table;
  }

  get(start: number): GroupTable | undefined {
    return this.tables.get(start);
  }

  /** Forgets a pane; its table is emptied for another. */
  delete(start: number): void {
    const table = this.tables.get(start);
    this.tables.delete(start);
    // What a snapshot still wants is left as it is.
    if (table !== undefined && !table.wanted && this.spare.length < SPARE_MAX) {
      table.clear();
      this.spare.push(table);
    }
    this.start = Number.NaN;
    this.end = Number.NaN;
    this.table = undefined;
  }

  /** Freezes all panes, for a full snapshot. */
  freeze(into: WriteInto): FrozenTable[] {
    return [...this.tables].map(([pane, table]) => table.freeze("full", into(table, pane, noStamp)));
  }

  /** Start of the earliest pane; Infinity when there is none. */
  earliest(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const start of this.tables.keys()) if (start < earliest) earliest = start;
    return earliest;
  }
}
