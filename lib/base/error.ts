/**
 * The one error type of the engine and its catalogue.
 *
 * `MillraceError` is the world's fault: bad input, a failing user function, a missing file. It has a stable
 * code, says what and where, and hints at what to do. `assert` (see assert.ts) is for our own bugs.
 * Errors cross threads as plain data (`toData`, `fromData`) and keep the stack of the user's code.
 */
import { catalogue, type ErrorCode } from "./error-catalogue.js";

/** Where in a running job an error arose. */
export interface ErrorPlace {
  job?: string;
  operator?: string;
  subtask?: number;
  /** The record in hand, printed and shortened. */
  record?: string;
  /** Where the source has read it, printed: its split and its place there. Not known behind an exchange. */
  readFrom?: string;
  /** The user's own file and line, `job.ts:12:5`. */
  at?: string;
}

export interface ErrorOptions extends ErrorPlace {
  cause?: unknown;
  /** What the user can do about it; the catalogue's hint when absent. */
  hint?: string;
}

/** A `MillraceError` as plain data, for messages between threads and for `--json`. */
export interface ErrorData extends ErrorPlace {
  code: ErrorCode;
  message: string;
  hint?: string;
  stack?: string;
  cause?: { name: string; message: string; stack?: string };
}

const BRAND = Symbol.for("millrace.error");

/** An error with a code from the catalogue. `retryable` says whether a restart can help. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string;
  readonly place: ErrorPlace;
  readonly [BRAND] = true;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const { cause: _cause, hint, ...place } = options;
    this.name = "MillraceError";
    this.code = code;
    this.retryable = catalogue[code].retryable;
    this.hint = hint ?? catalogue[code].hint;
    this.place = place;
  }

  /** True for a `MillraceError` of any copy of this package, also across threads. */
  static is(error: unknown): error is MillraceError {
    return typeof error === "object" && error !== null && BRAND in error;
  }
}

/** The same error with what is known about its place filled in where it was not known yet. */
export function locate(error: MillraceError, place: ErrorPlace): MillraceError {
  Object.assign(error.place, { ...place, ...error.place });
  return error;
}

export function toData(error: unknown): ErrorData {
  if (!MillraceError.is(error))
    return toData(new MillraceError("INTERNAL", messageOf(error), { cause: error }));
  const data: ErrorData = { code: error.code, message: error.message, hint: error.hint, ...error.place };
  if (error.stack !== undefined) data.stack = error.stack;
  const cause = error.cause;
  if (cause instanceof Error) {
    data.cause = { name: cause.name, message: cause.message };
    if (cause.stack !== undefined) data.cause.stack = cause.stack;
  } else if (cause !== undefined) data.cause = { name: "Error", message: String(cause) };
  return data;
}

export function fromData(data: ErrorData): MillraceError {
  const { code, message, hint, stack, cause, ...place } = data;
  const options: ErrorOptions = { ...place };
  if (hint !== undefined) options.hint = hint;
  if (cause !== undefined) {
    const rebuilt = new Error(cause.message);
    rebuilt.name = cause.name;
    if (cause.stack !== undefined) rebuilt.stack = cause.stack;
    options.cause = rebuilt;
  }
  const error = new MillraceError(code, message, options);
  if (stack !== undefined) error.stack = stack;
  return error;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
