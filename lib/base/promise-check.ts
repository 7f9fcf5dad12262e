import { MillraceError } from "./error.js";

/** @hot What a function returns is used at once: a promise would be taken for a record, or for true. */
export function refusePromise(result: unknown, of = "the function"): void {
  if (result instanceof Promise) {
    throw new MillraceError("USER_FUNCTION_ASYNC", `${of} returned a promise`);
  }
}

/** The result itself, where it is not a promise. */
export function settled<T>(result: T): T {
  refusePromise(result);
  return result;
}
