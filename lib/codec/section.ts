/** The columns of one section (see batch-layout.ts): a record's fields, nested records included, in order. */
import type { RecordType } from "./record-type.js";

/** Where the value of a column is found: access expressions from the section's value, and its slots. */
export interface Column {
  readonly type: RecordType;
  /** Slot of the tag, for nullable and optional columns. */
  readonly tag: number | undefined;
  /** Slot of the small value (4 bytes). */
  readonly small: number | undefined;
  /** Slot of the second half of a bigint. */
  readonly high: number | undefined;
  /** Slot of the large value (8 bytes). */
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

export function layOut(type: RecordType, hasHead: boolean): Section {
  const columns: Column[] = [];
  let smalls = 0;
  let larges = hasHead ? 1 : 0;
  const place = (of: RecordType): Column => {
    const id = columns.length;
    columns.push(undefined as never);
    const tagged = of.nullable === true || of.optional === true;
    const tag = tagged ? smalls++ : undefined;
    const large = of.kind === "number" || of.kind === "date" ? larges++ : undefined;
    const isSmall = ["int", "boolean", "string", "bigint", "list", "packed"].includes(of.kind);
    const small = isSmall ? smalls++ : undefined;
    const high = of.kind === "bigint" ? smalls++ : undefined;
    const fields =
      of.kind === "record" ? of.fields.map(([name, field]) => ({ name, column: place(field) })) : [];
    const column: Column = { type: of, tag, small, high, large, fields, id };
    columns[id] = column;
    return column;
  };
  const root = place(type);
  const largeFirst = hasHead ? 1 : 0;
  // With a head, the first small column sits beside it.
  const rest = hasHead ? Math.max(0, smalls - 1) : smalls;
  const smallFirst = (largeFirst + larges) * 2;
  return {
    root,
    columns,
    bytes: (largeFirst + larges) * 8 + ((rest * 4 + 7) & ~7),
    smallAt: (slot) => (hasHead ? (slot === 0 ? 1 : smallFirst + slot - 1) : smallFirst + slot),
    largeAt: (slot) => largeFirst + slot,
  };
}
