/** Turns what a user's function threw into a coded error that says where and with what record. */
import { type ErrorPlace, locate, MillraceError, messageOf } from "../base/error.js";
import { printRecord } from "../base/print-record.js";
import type { SourcePosition } from "../source/contract.js";

/** Compiled and, where source maps name them, as they were written. */
const OWN_FOLDERS = ["../..", "../../../lib/"].map((path) => new URL(path, import.meta.url).href);

/** What V8 says of a change to what is frozen. */
const REFUSED_CHANGE = /^Cannot (assign to read only|add|delete|define|redefine) property|is not extensible$/;

/** `frozen`: records are, and so a change that was refused is one of a record. */
export function userError(
  error: unknown,
  place: ErrorPlace,
  record: unknown,
  { frozen = false } = {},
): MillraceError {
  const known: ErrorPlace = { ...place };
  if (record !== undefined) known.record = printRecord(record);
  const at = userFrame(error);
  if (at !== undefined) known.at = at;
  if (MillraceError.is(error)) return error.place.operator === undefined ? locate(error, known) : error;
  if (frozen && error instanceof TypeError && REFUSED_CHANGE.test(error.message)) {
    const message = `a record was changed after it had been emitted: ${error.message}`;
    return new MillraceError("RECORD_CHANGED", message, { cause: error, ...known });
  }
  return new MillraceError("USER_FUNCTION_FAILED", messageOf(error), { cause: error, ...known });
}

/** Where a record was read, in words. */
export function readFrom(at: SourcePosition | undefined): Pick<ErrorPlace, "readFrom"> {
  return at === undefined ? {} : { readFrom: `split ${at.split}, position ${printRecord(at.position)}` };
}

/** The topmost place in a stack that is neither ours, nor Node's, nor generated. */
function userFrame(error: unknown): string | undefined {
  const stack = error instanceof Error ? error.stack : undefined;
  for (const line of stack?.split("\n") ?? []) {
    const match = /(?:\(|at )((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/.exec(line.trim());
    const place = match?.[1];
    if (place === undefined || place.includes("node:") || place.includes("/node_modules/")) continue;
    const url = place.startsWith("/") ? `file://${place}` : place;
    if (OWN_FOLDERS.some((folder) => url.startsWith(folder))) continue;
    return place.replace("file://", "");
  }
  return undefined;
}
