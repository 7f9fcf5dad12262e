import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the folders of all processes begin with, in the folder for temporary files; then come process and run. */
export const STATE_FOLDER_PREFIX = "millrace-state-";

/**
 * Where the state backends of one attempt keep what does not fit into memory. Nobody else's: what an earlier
 * attempt, another run or another process has left must never be read.
 */
export function stateFolder(runId: string, attempt: number): string {
  return join(tmpdir(), `${STATE_FOLDER_PREFIX}${process.pid}-${runId}`, `${attempt}`);
}

/** The one of an operator in a subtask: `operator` is its index in its vertex. */
export function operatorFolder(
  runId: string,
  attempt: number,
  vertex: number,
  subtask: number,
  operator: number,
): string {
  return join(stateFolder(runId, attempt), `${vertex}-${subtask}-${operator}`);
}
