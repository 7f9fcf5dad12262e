/** The columns of one section (see batch-layout.ts): a record's fields, nested records included, in order. */
import type { RecordType } from "./record-type.js";

export interface Column {
  readonly type: RecordType;
  /** Slot of the tag, for nullable and optional columns. */
  readonly tag: number | undefined;
  /** Slot of a value of 4 bytes. */
  readonly small: number | undefined;
  /** Slot of a value of 8 bytes. */
  readonly large: number | undefined;
  /** Fields of a nested record. */
  readonly fields: readonly { readonly name: string; readonly column: Column }[];
  readonly id: number;
}

export interface Section {
  readonly root: Column;
  readonly columns: readonly Column[];
  readonly bytes: number;
  /** Index into Int32Array, from the section's begin. */
  smallAt(slot: number): number;
  /** Index into Float64Array, from the section's begin. */
  largeAt(slot: number): number;
}

/** Index into Float64Array of the timestamp, in a section with a head. */
export const TIMESTAMP_AT = 1;

const SMALL = ["int", "boolean", "string", "list", "packed"];
const LARGE = ["number", "date", "bigint"];

export function layOut(type: RecordType, hasHead: boolean): Section {
  const columns: Column[] = [];
  let smalls = 0;
  let larges = 0;
  const place = (of: RecordType): Column => {
    const id = columns.length;
    columns.push(undefined as never);
    const tag = of.nullable === true || of.optional === true ? smalls++ : undefined;
    const large = LARGE.includes(of.kind) ? larges++ : undefined;
    const small = SMALL.includes(of.kind) ? smalls++ : undefined;
    const fields =
      of.kind === "record" ? of.fields.map(([name, field]) => ({ name, column: place(field) })) : [];
    const column: Column = { type: of, tag, small, large, fields, id };
    columns[id] = column;
    return column;
  };
  const root = place(type);
  const largeFirst = hasHead ? TIMESTAMP_AT + 1 : 0;
  const smallFirst = (largeFirst + larges) * 2;
  // With a head, the first small column sits beside it.
  const rest = hasHead ? Math.max(0, smalls - 1) : smalls;
  return {
    root,
    columns,
    bytes: Math.max(8, (largeFirst + larges) * 8 + ((rest * 4 + 7) & ~7)),
    smallAt: (slot) => (hasHead ? (slot === 0 ? 1 : smallFirst + slot - 1) : smallFirst + slot),
    largeAt: (slot) => largeFirst + slot,
  };
}

/** The column of a list's elements and everything below are sections of their own. */
export function hasLists(section: Section): boolean {
  return section.columns.some((column) => column.type.kind === "list");
}
