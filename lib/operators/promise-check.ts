import { MillraceError } from "../base/error.js";

/** An operator uses what a function returns at once: a promise would be taken for a record, or for true. */
export function refusePromise(result: unknown): void {
  if (result instanceof Promise) {
    throw new MillraceError("USER_FUNCTION_ASYNC", "the function returned a promise");
  }
}
