import { MillraceError } from "../base/error.js";
import type { ErrorCode } from "../base/error-catalogue.js";

/** Another attempt of the same program on the same machine would end in the same place. */
const FATAL: readonly ErrorCode[] = [
  "JOB_CANCELLED",
  "JOB_INVALID",
  "JOB_NOT_DETERMINISTIC",
  "OPTION_INVALID",
  "USER_FUNCTION_ASYNC",
  "SOURCE_CHAIN_INVALID",
  "RESULTS_NOT_READ",
  "SINK_EXISTS",
  "PARALLELISM_INVALID",
  "RESOURCES_UNFULFILLABLE",
  "STATE_BACKEND_INVALID",
  "STATE_NOT_RESTORED",
  "STATE_INCOMPATIBLE",
  "MAX_PARALLELISM_CHANGED",
  "UNION_STATE_PARTLY_FINISHED",
  "CHANNEL_STATE_MOVED",
  "FINISHED_OPERATORS_CHANGED",
  "CHECKPOINT_NOT_FOUND",
  "CHECKPOINT_FOREIGN",
  "CHECKPOINT_TORN",
  "CHECKPOINT_DAMAGED",
  "CHECKPOINT_INCOMPLETE",
  "CHECKPOINT_FENCED",
  "CHECKPOINT_LOST",
  "CHECKPOINT_VERSION",
];

/** Everything else may pass: as in Flink, also what a user's function has thrown. */
export function isFatal(error: unknown): boolean {
  return MillraceError.is(error) && FATAL.includes(error.code);
}
