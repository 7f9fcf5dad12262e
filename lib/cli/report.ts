/** How the launcher prints errors: for people on stderr, or as one JSON object. */
import { MillraceError, toData } from "../base/error.js";
import type { ErrorCode } from "../base/error-catalogue.js";
import { style } from "./style.js";

export function reportError(error: unknown, options: { json?: boolean; verbose?: boolean }): void {
  const known = MillraceError.is(error)
    ? error
    : new MillraceError("INTERNAL", String(error), { cause: error });
  if (options.json === true) {
    process.stderr.write(`${JSON.stringify({ schemaVersion: 1, error: toData(known) })}\n`);
    return;
  }
  const { operator, subtask, record, at, readFrom } = known.place;
  const lines = [`${style.red("error")} ${known.code}: ${known.message}`];
  if (operator !== undefined)
    lines.push(`  in     ${operator}${subtask === undefined ? "" : `, subtask ${subtask}`}`);
  if (at !== undefined) lines.push(`  at     ${at}`);
  if (record !== undefined) lines.push(`  record ${record}`);
  if (readFrom !== undefined) lines.push(`  from   ${readFrom}`);
  lines.push(`  ${style.dim("hint:")} ${known.hint}`);
  if (options.verbose === true || known.code === "INTERNAL") {
    lines.push(known.cause instanceof Error ? String(known.cause.stack) : String(known.stack));
  }
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** Wrong usage or configuration. */
const USAGE: readonly ErrorCode[] = [
  "JOB_NOT_FOUND",
  "JOB_INVALID",
  "JOB_BUILD_FAILED",
  "OPTION_INVALID",
  "PARALLELISM_INVALID",
  "SOURCE_NOT_REPLAYABLE",
  "STATE_BACKEND_INVALID",
  "CHECKPOINTS_OFF",
  "CHECKPOINT_NOT_FOUND",
  "JOB_NOT_RESUMABLE",
  "JOB_UNKNOWN",
  "JOB_AMBIGUOUS",
];

/** What was saved is another job's, or this one's before a change that it cannot follow. */
const STATE: readonly ErrorCode[] = [
  "STATE_INCOMPATIBLE",
  "STATE_NOT_RESTORED",
  "MAX_PARALLELISM_CHANGED",
  "CHANNEL_STATE_MOVED",
  "FINISHED_OPERATORS_CHANGED",
  "UNION_STATE_PARTLY_FINISHED",
  "CHECKPOINT_FOREIGN",
  "CHECKPOINT_VERSION",
];

/** A checkpoint or savepoint could not be taken or read. */
const CHECKPOINT: readonly ErrorCode[] = [
  "CHECKPOINT_FAILED",
  "CHECKPOINTS_FAILED",
  "CHECKPOINT_TORN",
  "CHECKPOINT_DAMAGED",
  "CHECKPOINT_INCOMPLETE",
  "CHECKPOINT_LOST",
  "CHECKPOINT_FENCED",
  "STOP_FAILED",
  "STORAGE_FAILED",
  "STORAGE_DENIED",
  "STORAGE_UNFIT",
  "BUCKET_MISSING",
];

/** 0 done, 1 the job failed, 2 usage or configuration, 3 state, 4 checkpoint, 130 and 143 by signal. */
export function exitCodeOf(error: unknown): number {
  if (!MillraceError.is(error)) return 1;
  const { code } = error;
  return USAGE.includes(code) ? 2 : STATE.includes(code) ? 3 : CHECKPOINT.includes(code) ? 4 : 1;
}
