/** How the launcher prints errors: for people on stderr, or as one JSON object. */
import { MillraceError, toData } from "../base/error.js";
import { style } from "./style.js";

export function reportError(error: unknown, options: { json?: boolean; verbose?: boolean }): void {
  const known = MillraceError.is(error)
    ? error
    : new MillraceError("INTERNAL", String(error), { cause: error });
  if (options.json === true) {
    process.stderr.write(`${JSON.stringify({ schemaVersion: 1, error: toData(known) })}\n`);
    return;
  }
  const { operator, subtask, record, at } = known.place;
  const lines = [`${style.red("error")} ${known.code}: ${known.message}`];
  if (operator !== undefined)
    lines.push(`  in     ${operator}${subtask === undefined ? "" : `, subtask ${subtask}`}`);
  if (at !== undefined) lines.push(`  at     ${at}`);
  if (record !== undefined) lines.push(`  record ${record}`);
  lines.push(`  ${style.dim("hint:")} ${known.hint}`);
  if (options.verbose === true || known.code === "INTERNAL") {
    lines.push(known.cause instanceof Error ? String(known.cause.stack) : String(known.stack));
  }
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** 0 done, 1 the job failed, 2 usage or configuration, 130 and 143 by signal. */
export function exitCodeOf(error: unknown): number {
  const usage = ["JOB_NOT_FOUND", "JOB_INVALID", "JOB_BUILD_FAILED", "OPTION_INVALID", "PARALLELISM_INVALID"];
  return MillraceError.is(error) && usage.includes(error.code) ? 2 : 1;
}
