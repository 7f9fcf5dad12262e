/** What an S3 server, or the way to it, has said: whether to ask again, and as coded errors. */
import { type ErrorOptions, MillraceError, messageOf } from "../../base/error.js";
import type { ErrorCode } from "../../base/error-catalogue.js";
import { blobExists, blobMissing, codeOf } from "../storage-error.js";

/** An answer that ends too early, or is longer than it said. */
export class CutAnswer extends Error {
  constructor(received: number, expected: number) {
    super(`the answer has ${received} bytes instead of ${expected}`);
    this.name = "CutAnswer";
  }
}

/** Names that servers give to errors which pass by themselves, whatever the status. */
const PASSING = [
  "RequestTimeout",
  "RequestTimeTooSkewed",
  "ConditionalRequestConflict",
  "OperationAborted",
  "SlowDown",
  "BadDigest",
  "XAmzContentSHA256Mismatch",
  "InternalError",
];

const DENIED = [
  "AccessDenied",
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "ExpiredToken",
  "InvalidToken",
  "TokenRefreshRequired",
  "CredentialsProviderError",
];

/** Whether the same request may be answered otherwise: lost on the way, or refused for now. */
export function mayPass(error: unknown): boolean {
  if (MillraceError.is(error)) return false;
  const name = nameOf(error);
  if (PASSING.includes(name)) return true;
  if (DENIED.includes(name)) return false;
  const status = statusOf(error);
  return status === undefined || status >= 500 || status === 429 || status === 408;
}

/** The object is there already, or is not the one that was meant. */
export function isPrecondition(error: unknown): boolean {
  return statusOf(error) === 412 || nameOf(error) === "PreconditionFailed";
}

/** What was asked for begins behind the object's end. */
export function isBeyondEnd(error: unknown): boolean {
  return statusOf(error) === 416 || nameOf(error) === "InvalidRange";
}

export function isServersFault(error: unknown): boolean {
  return (statusOf(error) ?? 0) >= 500;
}

/** An upload that was completed or aborted, or never begun. */
export function isUploadGone(error: unknown): boolean {
  return nameOf(error) === "NoSuchUpload" || (statusOf(error) === 404 && nameOf(error) !== "NoSuchBucket");
}

/** The coded error for what came of doing `what` ("read", "write", ...) at `place` after so many tries. */
export function s3Error(what: string, place: string, error: unknown, tries: number): MillraceError {
  if (MillraceError.is(error)) return error;
  const name = nameOf(error);
  const status = statusOf(error);
  if (name === "NoSuchBucket") return coded("BUCKET_MISSING", what, place, error, tries);
  if (name === "NoSuchKey" || status === 404) return blobMissing(place);
  if (isPrecondition(error)) return blobExists(place);
  if (DENIED.includes(name) || ((status === 401 || status === 403) && name !== "RequestTimeTooSkewed"))
    return coded("STORAGE_DENIED", what, place, error, tries);
  return coded("STORAGE_FAILED", what, place, error, tries, hintFor(name, status));
}

function coded(
  code: ErrorCode,
  what: string,
  place: string,
  cause: unknown,
  tries: number,
  hint?: string,
): MillraceError {
  const options: ErrorOptions = { cause, ...(hint === undefined ? {} : { hint }) };
  const again = tries > 1 ? ` (tried ${tries} times)` : "";
  return new MillraceError(code, `cannot ${what} ${place}${again}: ${describe(cause)}`, options);
}

function describe(error: unknown): string {
  const [name, message] = [nameOf(error), messageOf(error)];
  // Some errors have no message of their own, or one that is their name.
  const text = message === "" || message === "UnknownError" ? (codeOf(error) ?? "no answer") : message;
  return name === "" || name === "Error" || text.includes(name) ? text : `${name}: ${text}`;
}

function hintFor(name: string, status: number | undefined): string | undefined {
  if (name === "RequestTimeTooSkewed")
    return "The clocks of this machine and of the server differ: set them right.";
  if (
    status === 301 ||
    status === 307 ||
    name === "PermanentRedirect" ||
    name === "AuthorizationHeaderMalformed"
  )
    return "The bucket lies in another region: set AWS_REGION.";
  if (status === undefined) return "Check that the S3 server is up and that MILLRACE_S3_ENDPOINT names it.";
  return undefined;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}
