/** What checkpoints are asked for with, and one that is under way. */

import type { MillraceError } from "../base/error.js";
import type { ErrorCode } from "../base/error-catalogue.js";
import type { Barrier } from "../checkpoint/barrier.js";
import type { CheckpointPlan } from "../checkpoint/checkpoint-plan.js";
import type { FailureReason } from "../checkpoint/failures.js";
import type { TaskSnapshot } from "../checkpoint/snapshot.js";
import type { TaskId } from "../protocol/deployment.js";

export interface Request {
  readonly purpose: Barrier["purpose"];
  readonly periodic: boolean;
  readonly forced: boolean;
  readonly timestamp: number;
  /** Whatever the settings say, barriers overtake nothing. */
  readonly aligned?: boolean;
  /** Of a savepoint: the folder it is written below. */
  readonly folder?: string;
  readonly done?: (path: string) => void;
  readonly failed?: (error: MillraceError) => void;
}

export interface Pending {
  readonly id: number;
  readonly request: Request;
  readonly timestamp: number;
  readonly attempt: number;
  readonly plan: CheckpointPlan;
  readonly enumerators: ReadonlyMap<string, unknown>;
  readonly snapshots: Map<string, TaskSnapshot>;
  readonly cancelTimeout: () => void;
}

export function endsJob({ purpose }: Request): boolean {
  return purpose === "stop" || purpose === "terminate";
}

export function nameOf({ vertex, subtask }: TaskId): string {
  return `${vertex}-${subtask}`;
}

/** What the store says to a task that writes. */
const WRITE_FAILURES: readonly ErrorCode[] = ["STORAGE_FAILED", "STORAGE_DENIED", "BUCKET_MISSING"];

export function declineReason({ code }: MillraceError): FailureReason {
  if (code === "CHECKPOINT_SUBSUMED") return "declined-subsumed";
  return WRITE_FAILURES.includes(code) ? "write-failed" : "declined";
}
