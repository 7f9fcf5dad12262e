/** Whether this thread is importing a job module: a run() then is a job that starts itself. */
import { MillraceError } from "../base/error.js";

// Two copies of the library in one thread have these in common.
const IMPORTING = Symbol.for("millrace.importing");
const STARTED_ITSELF = Symbol.for("millrace.started-itself");
const flags = globalThis as { [IMPORTING]?: number; [STARTED_ITSELF]?: MillraceError };

/** Throws JOB_STARTS_ITSELF while this thread imports a job module; `importing` then throws it too. */
export function refuseSelfStart(): void {
  if ((flags[IMPORTING] ?? 0) === 0) return;
  flags[STARTED_ITSELF] = new MillraceError(
    "JOB_STARTS_ITSELF",
    "run() was called while a job module was being imported",
  );
  throw flags[STARTED_ITSELF];
}

/** Imports a job module with `load`, during which no job may be started. */
export async function importing<T>(load: () => Promise<T>): Promise<T> {
  flags[IMPORTING] = (flags[IMPORTING] ?? 0) + 1;
  delete flags[STARTED_ITSELF];
  let loaded: T;
  try {
    loaded = await load();
  } finally {
    flags[IMPORTING]--;
  }
  if (flags[STARTED_ITSELF] !== undefined) throw flags[STARTED_ITSELF];
  return loaded;
}
