/** What a timestamp is: ms since the epoch, as far from it as a Date can be. */
import { MillraceError } from "../base/error.js";
import { refusePromise } from "../base/promise-check.js";

/**
 * How far from the epoch event time goes, in either direction, ms: what a Date can hold, the years -271,821 to
 * 275,760. Windows around it still begin and end at exact doubles.
 */
export const TIMESTAMP_MAX = 8.64e15;

/** @hot */
export function isTimestamp(given: unknown): given is number {
  return typeof given === "number" && given <= TIMESTAMP_MAX && given >= -TIMESTAMP_MAX;
}

/** A time in ms of what a user's function gave. Throws TIMESTAMP_INVALID. */
export function timestampOf(given: unknown): number {
  const time = typeof given === "number" ? given : given instanceof Date ? given.getTime() : Number.NaN;
  return isTimestamp(time) ? time : refuse(given);
}

function refuse(given: unknown): never {
  refusePromise(given, "the timestamp function");
  throw new MillraceError("TIMESTAMP_INVALID", `the timestamp is ${describe(given)}`);
}

function describe(given: unknown): string {
  if (given instanceof Date) return Number.isNaN(given.getTime()) ? "an invalid Date" : given.toISOString();
  if (typeof given === "string") return `the text ${JSON.stringify(given.slice(0, 80))}`;
  return typeof given === "object" && given !== null ? "an object" : String(given);
}
