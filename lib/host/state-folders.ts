/** The folders of state backends: removed when an attempt's threads are gone, or by a later process. */
import { readdir, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { STATE_FOLDER_PREFIX, stateFolder } from "../protocol/state-folder.js";

/** Nothing fails because of what could not be removed. */
export async function removeStateFolder(runId: string, attempt: number): Promise<void> {
  const folder = stateFolder(runId, attempt);
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  await rmdir(dirname(folder)).catch(() => undefined);
}

/** Removes what processes that are no more have left. */
export async function removeAbandonedStateFolders(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(STATE_FOLDER_PREFIX)
      ? Number.parseInt(name.slice(STATE_FOLDER_PREFIX.length), 10)
      : 0;
    if (pid > 0 && !lives(pid)) {
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
