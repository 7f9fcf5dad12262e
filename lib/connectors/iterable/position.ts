/** Positions are the user's values: what goes into a checkpoint has to come back the same. */
import { isDeepStrictEqual } from "node:util";
import { MillraceError, messageOf } from "../../base/error.js";

/** Throws POSITION_INVALID unless the position is JSON. */
export function assertJson(position: unknown): void {
  let back: unknown;
  try {
    const text: string | undefined = JSON.stringify(position);
    back = text === undefined ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new MillraceError("POSITION_INVALID", `a position is not JSON: ${messageOf(cause)}`, { cause });
  }
  if (position !== undefined && isDeepStrictEqual(back, position)) return;
  throw new MillraceError("POSITION_INVALID", `a position is not JSON: ${String(position)}`);
}

/** The pair that an item is. Throws POSITION_INVALID. */
export function pairOf(item: unknown): readonly [record: unknown, position: unknown] {
  if (Array.isArray(item) && item.length === 2 && item[1] !== undefined) return item as [unknown, unknown];
  const found = Array.isArray(item) ? `an array of ${item.length}` : typeof item;
  throw new MillraceError(
    "POSITION_INVALID",
    `the iterable gave no pair of record and position, but ${found}`,
  );
}
