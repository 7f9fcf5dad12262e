/**
 * Running aggregates of one field, as Flink's: the result is a record of the stream's own type. `sum`, `min` and `max`
 * keep the other fields of the first record of a key; `minBy` and `maxBy` take the whole record.
 */
import { MillraceError } from "../base/error.js";

/** (the result so far, a record) => the new result. Records are not changed. */
export type Combine = (so: any, record: any) => any;

export type FieldAggregate = "sum" | "min" | "max" | "minBy" | "maxBy";

/** `ties`: which of equal records `minBy` and `maxBy` take. */
export function fieldCombine(kind: FieldAggregate, field: string, ties: "first" | "last" = "first"): Combine {
  switch (kind) {
    case "sum":
      return (so, record) => ({ ...so, [field]: numberOf(so, field) + numberOf(record, field) });
    case "min":
      return (so, record) => (record[field] < so[field] ? { ...so, [field]: record[field] } : so);
    case "max":
      return (so, record) => (record[field] > so[field] ? { ...so, [field]: record[field] } : so);
    case "minBy":
      return ties === "first"
        ? (so, record) => (record[field] < so[field] ? record : so)
        : (so, record) => (record[field] <= so[field] ? record : so);
    case "maxBy":
      return ties === "first"
        ? (so, record) => (record[field] > so[field] ? record : so)
        : (so, record) => (record[field] >= so[field] ? record : so);
  }
}

function numberOf(record: Readonly<Record<string, unknown>>, field: string): number {
  const value = record[field];
  if (typeof value === "number") return value;
  if (value === null || value === undefined) return 0;
  throw new MillraceError("AGGREGATE_NOT_NUMBER", `sum("${field}") was given a ${typeof value}`);
}
