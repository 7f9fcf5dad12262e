import { type ErrorOptions, MillraceError, messageOf } from "../../base/error.js";
import type { ErrorCode } from "../../base/error-catalogue.js";

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: "SINK_DISK_FULL",
  EDQUOT: "SINK_DISK_FULL",
  EACCES: "SINK_DENIED",
  EPERM: "SINK_DENIED",
  EROFS: "SINK_DENIED",
};

/** What the file system said while a sink wrote, under our codes. */
export function sinkError(cause: unknown, folder: string): MillraceError {
  if (MillraceError.is(cause)) return cause;
  const { code = "" } = cause as NodeJS.ErrnoException;
  const options: ErrorOptions = { cause };
  if (code === "ENOENT") {
    options.hint =
      "The folder was removed while the job wrote in it. Leave it alone until the job has ended.";
  }
  const message = `cannot write in ${folder}: ${messageOf(cause)}`;
  return new MillraceError(codes[code] ?? "SINK_FAILED", message, options);
}
