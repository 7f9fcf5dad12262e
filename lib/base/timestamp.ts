import { MillraceError } from "./error.js";

/** Refuses a record without event time; `what` needs it. */
export function refuseMissingTime(what: string): never {
  throw new MillraceError("TIMESTAMP_MISSING", `${what} was given a record without a timestamp`);
}
