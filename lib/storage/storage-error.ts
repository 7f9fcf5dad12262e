/** What went wrong in a store, as coded errors. */
import { type ErrorOptions, MillraceError, messageOf } from "../base/error.js";

export function blobMissing(path: string, detail = "is not there"): MillraceError {
  return new MillraceError("BLOB_MISSING", `${path} ${detail}`);
}

export function blobExists(path: string): MillraceError {
  return new MillraceError("BLOB_EXISTS", `${path} exists already`);
}

/** An error of the operating system or a server while doing `what` ("write", "read", ...). */
export function storageFailed(what: string, path: string, cause: unknown): MillraceError {
  const options: ErrorOptions = { cause };
  const hint = HINTS[codeOf(cause) ?? ""];
  if (hint !== undefined) options.hint = hint;
  return new MillraceError("STORAGE_FAILED", `cannot ${what} ${path}: ${messageOf(cause)}`, options);
}

/** `ENOENT` and the like; undefined when the error has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

const FULL =
  "The disk of the checkpoints is full: free space or choose another `dir`. The last complete checkpoint is kept.";
const FORBIDDEN = "This user may not write there: change the folder's owner or choose another `dir`.";

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: FORBIDDEN,
  EROFS: FORBIDDEN,
  ENOTDIR: "A part of the path is a file, not a folder; choose another `dir`.",
  EMFILE: "The process has too many open files; raise the limit (ulimit -n).",
};
