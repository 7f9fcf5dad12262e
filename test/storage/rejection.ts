import { expect } from "chai";
import { MillraceError } from "../../lib/base/error.js";

/** The coded error a promise rejects with; anything else fails the test. */
export async function rejection(promise: Promise<unknown>): Promise<MillraceError> {
  const error = await promise.then(
    (value) => expect.fail(`expected a rejection, got ${String(value)}`),
    (reason: unknown) => reason,
  );
  if (MillraceError.is(error)) return error;
  throw error;
}

export async function codeOfRejection(promise: Promise<unknown>): Promise<string> {
  return (await rejection(promise)).code;
}
