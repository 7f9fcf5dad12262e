/** What writer and reader of a channel agree on: the shapes of its records, sent as JSON in schema frames. */
import type { RecordType } from "./record-type.js";
import { type Column, hasLists, type Section } from "./section.js";

export interface Shape {
  readonly type: RecordType;
  /** Text columns (ids) whose dictionary did not pay. */
  readonly plain: readonly number[];
}

/** Texts of a column that are remembered: the first ones seen. */
export const DICTIONARY_ENTRIES_MAX = 256;
/** Rows after which a dictionary has to have paid. */
export const DICTIONARY_TRIAL_ROWS = 2048;
/** A dictionary that knows, or learns, a smaller share of the texts is dropped: looking up costs what writing does. */
export const DICTIONARY_HITS_MIN = 0.9;
/** Longer texts are not remembered. */
export const DICTIONARY_TEXT_MAX = 64;

/**
 * Text columns sent by dictionary: the first occurrence in full, later ones as ~index, which both sides
 * count alike. Only where no list can fail after the text was remembered.
 */
export function dictionaryColumns(shape: Shape, section: Section): readonly Column[] {
  if (hasLists(section)) return [];
  return section.columns.filter(
    (column) => column.type.kind === "string" && !shape.plain.includes(column.id),
  );
}
