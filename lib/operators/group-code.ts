/**
 * Compiles what grouping operators do per record and per group, over a GroupTable: one set of functions
 * per operator, so that each keeps its own type feedback.
 */

import { codeName } from "../base/code-name.js";
import { ownString } from "../codec/own-string.js";
import type { AccumulatorCode } from "./accumulators.js";
import type { AnyFunction } from "./contract.js";
import { GroupTable } from "./group-table.js";

/** A group's accumulators on their way to another thread. */
export interface Partial {
  readonly k: unknown;
  readonly w: number;
  /** Records it stands for, where that is counted. */
  readonly n: number;
}

export interface GroupCode {
  /** What the cells are, in order: compared when groups are restored. */
  readonly layout: string;
  table(): GroupTable;
  /** Adds a record to its group; answers the group's slot. */
  add(table: GroupTable, record: unknown): number;
  addPartial(table: GroupTable, partial: unknown): number;
  /** The group is what the partial says, whatever it was; answers its slot. */
  replace(table: GroupTable, partial: unknown): number;
  /** Folds one group of another table into this table. */
  merge(table: GroupTable, other: GroupTable, otherSlot: number): void;
  partial(table: GroupTable, slot: number, pane: number): Partial;
  /** Makes a partial that nobody has kept into that of a group. */
  fill(partial: Partial, table: GroupTable, slot: number, pane: number): void;
  result(table: GroupTable, slot: number): any;
}

/** A function of its own: in line it would cost `add` the inlining of its lookup. */
export const TOUCH = `
  function touch(table, slot) {
    if (table.wanted) table.touch(slot);
    else table.marks[slot] = table.epoch;
  }`;

/** `key` is absent for aggregates over all records (windowAll). */
export function groupCode(code: AccumulatorCode, key: AnyFunction | undefined): GroupCode {
  const { numberCells: n, objectCells: m } = code;
  const at = (slot: string, suffix = "") => `const b${suffix} = ${slot} * ${n}, q${suffix} = ${slot} * ${m};`;
  const cells = (table: string, suffix = "") =>
    `const f${suffix} = ${table}.numbers, o${suffix} = ${table}.objects;`;
  const lookup = (expression: string, own: string) => `
    const key = ${expression};
    let slot = table.find(key);
    if (slot < 0) slot = insert(table, ${own});
    if (table.marks[slot] !== table.epoch) touch(table, slot);`;
  const source = `
  ${TOUCH}
  function insert(table, key) {
    if (typeof key === "string") key = ownString(key);
    const slot = table.insert(key);
    ${cells("table")} ${at("slot")}
    ${code.reset}
    return slot;
  }
  return {
    add(table, r) {${lookup(key === undefined ? "null" : "keyOf(r)", "key")}
      ${cells("table")} ${at("slot")}
      ${code.add}
      return slot;
    },
    addPartial(table, p) {${lookup("p.k", "key")}
      ${cells("table")} ${at("slot")}
      ${code.addPartial}
      return slot;
    },
    replace(table, p) {${lookup("p.k", "key")}
      ${cells("table")} ${at("slot")}
      ${code.reset}
      ${code.addPartial}
      return slot;
    },
    merge(table, other, otherSlot) {${lookup("other.keys[otherSlot]", "key")}
      ${cells("table")} ${at("slot")} ${cells("other", "2")} ${at("otherSlot", "2")}
      ${code.merge}
    },
    partial(table, slot, pane) {
      ${cells("table")} ${at("slot")}
      return { k: table.keys[slot], w: pane, ${code.partialFields} };
    },
    fill(p, table, slot, pane) {
      ${cells("table")} ${at("slot")}
      p.k = table.keys[slot]; p.w = pane; ${code.fillPartial}
    },
    result(table, slot) {
      ${cells("table")} ${at("slot")}
      return ${code.result};
    },
  };
  //# sourceURL=${codeName("group")}`;
  const bindings = new Map<string, unknown>([...code.bindings, ["keyOf", key], ["ownString", ownString]]);
  const made = new Function(...bindings.keys(), source)(...bindings.values()) as Pick<
    GroupCode,
    "add" | "addPartial" | "replace" | "merge" | "partial" | "fill" | "result"
  >;
  const { layout } = code;
  return { ...made, layout, table: () => new GroupTable(n) };
}
