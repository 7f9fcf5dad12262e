/**
 * What the launcher's commands say to a running job, and what it answers: one JSON object a line, an answer to
 * each request, over a socket that only its user can open.
 */
import type { ErrorData } from "../base/error.js";

/** Folders are absolute: the two processes may have different working directories. */
export type ControlRequest =
  | { readonly command: "describe" }
  | { readonly command: "savepoint"; readonly directory?: string }
  | { readonly command: "stop"; readonly directory?: string; readonly drain: boolean }
  | { readonly command: "rescale"; readonly parallelism: number | "auto" }
  | { readonly command: "cancel" };

export type ControlAnswer = { readonly result: unknown } | { readonly error: ErrorData };

/** A running job. Times are wall ms. */
export interface JobDescription {
  readonly job: string;
  /** Of the run: the folder of its checkpoints. */
  readonly run: string;
  readonly pid: number;
  /** The process that supervises it. */
  readonly supervisor: number | undefined;
  readonly state: string;
  readonly since: number;
  readonly restarts: number;
  /** Subtasks of every operator that does not say its own. */
  readonly parallelism: number;
  readonly lastCheckpoint: LastCheckpoint | undefined;
}

export interface LastCheckpoint {
  readonly id: number;
  readonly timestamp: number;
  readonly path: string | undefined;
}

/** Where a savepoint lies. */
export interface SavepointAnswer {
  readonly path: string;
}

/** What became of a job's parallelism, and how long no record was processed, ms. */
export interface RescaleAnswer {
  readonly parallelism: number;
  readonly pauseMs: number;
}

/** A request and most answers are far shorter; more than this is not the protocol. */
export const LINE_CHARS_MAX = 1 << 20;

/** Gathers text and answers each whole line; throws when one does not end. */
export class LineReader {
  private rest = "";

  push(text: string): string[] {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop()!;
    if (this.rest.length > LINE_CHARS_MAX) throw new RangeError("a line that does not end");
    return lines.filter((line) => line !== "");
  }
}
