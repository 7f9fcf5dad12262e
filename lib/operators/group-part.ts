/**
 * Groups as state parts: an entry is a group's *partial*, the record that local combining sends too (see
 * accumulators.ts). It is written when its slice has come, or before the group changes (see group-table.ts).
 */
import type { EntrySink, FrozenPart, StatePart, StateScope } from "../state/contract.js";
import { type CanonicalKey, canonicalKey, keyGroupOf } from "../state/key.js";
import type { CellTable } from "./cell-table.js";
import type { WriteGroup } from "./frozen-table.js";
import type { Partial } from "./group-code.js";

/** `pane`: start of the pane the groups belong to, 0 without panes. `stamp`: that of a group, as it is now. */
export type WriteInto = (table: CellTable, pane: number, stamp: (slot: number) => number) => WriteGroup;

/** What makes partials of slots. */
export interface PartialCode {
  readonly layout: string;
  partial(table: CellTable, slot: number, pane: number): Partial;
  fill(partial: Partial, table: CellTable, slot: number, pane: number): void;
}

export interface GroupPartOptions {
  readonly name: string;
  readonly scope: StateScope;
  readonly code: PartialCode;
  readonly maxParallelism: number;
  /** Freezes the tables there are; all answers are of one kind. */
  freeze(wanted: "full" | "delta", into: WriteInto): readonly FrozenPart[];
  load(partial: Partial, stamp: number): void;
}

export function groupPart(options: GroupPartOptions): StatePart {
  const { name, scope, code, maxParallelism } = options;
  const groups = scope === "keyed" ? maxParallelism : 0;
  return {
    name,
    scope,
    schema: { kind: "groups", types: { accumulators: code.layout } },
    freeze(wanted, sink) {
      const into: WriteInto = (table, pane, stamp) => writer(code, sink, groups, table, pane, stamp);
      return new FrozenTables(options.freeze(wanted, into));
    },
    load: (partial: Partial, stamp) => options.load(partial, stamp),
  };
}

/** `maxParallelism` 0: entries have no key group. */
function writer(
  code: PartialCode,
  sink: EntrySink,
  maxParallelism: number,
  table: CellTable,
  pane: number,
  stamp: (slot: number) => number,
): WriteGroup {
  const { keys } = table;
  // One object for all entries: a sink encodes it at once.
  let partial: Partial | undefined;
  return (slot) => {
    if (partial === undefined) partial = code.partial(table, slot, pane);
    else code.fill(partial, table, slot, pane);
    sink.entry(partial, stamp(slot), maxParallelism === 0 ? 0 : groupOf(keys[slot], maxParallelism));
  };
}

/** The tables of one part, one after the other. */
class FrozenTables implements FrozenPart {
  readonly kind: "full" | "delta";
  private readonly tables: readonly FrozenPart[];
  private at = 0;

  constructor(tables: readonly FrozenPart[]) {
    this.tables = tables;
    this.kind = tables[0]?.kind ?? "full";
  }

  pack(timeIsUp: () => boolean): boolean {
    for (; this.at < this.tables.length; this.at++) if (!this.tables[this.at]!.pack(timeIsUp)) return false;
    return true;
  }

  release(): void {
    for (const table of this.tables) table.release();
  }
}

function groupOf(key: unknown, maxParallelism: number): number {
  const canonical = typeof key === "object" && key !== null ? canonicalKey(key) : (key as CanonicalKey);
  return keyGroupOf(canonical, maxParallelism);
}
