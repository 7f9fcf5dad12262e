/**
 * What the supervising and the working process of `millrace run` say to each other. Down, in the environment
 * of the new process: what it is to go on with. Up, over the IPC channel: what a successor would need.
 */
import type { RestartOptions } from "../checkpoint/restart-strategy.js";

const MARK = "MILLRACE_SUPERVISED";

/** What a working process begins with. */
export interface Assignment {
  /** When `millrace run` was started, wall ms. */
  readonly since: number;
  /** Failures so far, of processes and within them. */
  readonly failures: number;
  /** The run that an earlier process has left, and what ended it. */
  readonly goesOn?: { readonly run: string; readonly code: string; readonly message: string };
}

/** What a working process tells. */
export type WorkerReport =
  /** The run has begun and keeps its checkpoints where another process finds them. */
  | { readonly kind: "resumable"; readonly run: string; readonly restart: RestartOptions | undefined }
  /** It has failed and goes on in the same process. */
  | { readonly kind: "restarted" }
  /** It has ended, well or not: nothing is to be gone on with. */
  | { readonly kind: "ended" };

/** The environment of a working process. */
export function environmentOf(assignment: Assignment): NodeJS.ProcessEnv {
  return { ...process.env, [MARK]: JSON.stringify(assignment) };
}

export function isSupervised(): boolean {
  return process.env[MARK] !== undefined;
}

/** What this process was started for. Once: programs that it starts have no part in it. */
export function takeAssignment(now: number): Assignment {
  const text = process.env[MARK];
  delete process.env[MARK];
  return text === undefined ? { since: now, failures: 0 } : (JSON.parse(text) as Assignment);
}

export function report(message: WorkerReport): void {
  // The supervisor may be dying: then "disconnect" ends this process.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/**
 * The strategy for what is left of a run: fixed delays are counted over all of its processes; those that look
 * at time begin anew.
 */
export function remaining(restart: RestartOptions | undefined, failures: number): RestartOptions | undefined {
  if (restart?.strategy !== "fixed-delay") return restart;
  const attempts = (restart.attempts ?? 1) - failures;
  return attempts < 1 ? { strategy: "none" } : { ...restart, attempts };
}
