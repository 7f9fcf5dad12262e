/**
 * Where a job's checkpoints lie in a store:
 *
 *   <jobId>/epochs/<epoch>                                  claims of coordinators (fencing.ts)
 *   <jobId>/ended                                           the run has ended and its checkpoints go
 *   <jobId>/chk-<checkpoint>/manifest                       the checkpoint, once it is complete
 *   <jobId>/chk-<checkpoint>/<epoch>/<vertex>-<subtask>     what tasks wrote for it
 *   savepoint-<6 of jobId>-<random>/manifest, blob-<n>      self-contained, may be moved
 *
 * Tasks write below their coordinator's epoch: two coordinators that count the same checkpoint, one of them
 * dead without knowing it, never overwrite or remove each other's blobs.
 */
import { assert } from "../base/assert.js";
import type { Random } from "../base/random.js";
import type { BlobStore } from "../storage/contract.js";
import { joinPath } from "../storage/path.js";

const MANIFEST = "manifest";

/** The folder of a job; its id is one part of a path. */
export function jobFolder(jobId: string): string {
  assert(/^[A-Za-z0-9_-]+$/.test(jobId), `job id ${JSON.stringify(jobId)}`);
  return jobId;
}

export function epochsFolder(jobId: string): string {
  return `${jobFolder(jobId)}/epochs`;
}

/** Whatever else is left of a run whose folder holds this must not be gone on from. */
export function endedPath(jobId: string): string {
  return `${jobFolder(jobId)}/ended`;
}

/** Whether a run has ended for good, though its folder may not have gone yet. */
export async function hasEnded(store: BlobStore, jobId: string): Promise<boolean> {
  return (await store.list(jobFolder(jobId))).includes(endedPath(jobId));
}

export function checkpointFolder(jobId: string, checkpoint: number): string {
  return `${jobFolder(jobId)}/chk-${checkpoint}`;
}

/** What the tasks of one coordinator write for a checkpoint. */
export function taskFolder(jobId: string, checkpoint: number, epoch: number): string {
  return `${checkpointFolder(jobId, checkpoint)}/${epoch}`;
}

/** Where one task writes its blob for a checkpoint. `epoch` is `CheckpointStore.epoch`. */
export function taskBlobPath(
  jobId: string,
  checkpoint: number,
  epoch: number,
  vertex: number,
  subtask: number,
): string {
  return `${taskFolder(jobId, checkpoint, epoch)}/${vertex}-${subtask}`;
}

export function manifestPath(folder: string): string {
  return joinPath(folder, MANIFEST);
}

/** The folder, also when its manifest is named. */
export function folderOfManifest(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === MANIFEST) return "";
  return trimmed.endsWith(`/${MANIFEST}`) ? trimmed.slice(0, -MANIFEST.length - 1) : trimmed;
}

export function isManifest(path: string): boolean {
  return path.endsWith(`/${MANIFEST}`);
}

/** The number of the checkpoint a path of the job belongs to; undefined for others. */
export function checkpointOf(jobId: string, path: string): number | undefined {
  const prefix = `${jobId}/chk-`;
  if (!path.startsWith(prefix)) return undefined;
  const number = path.slice(prefix.length).split("/", 1)[0]!;
  return /^\d+$/.test(number) ? Number(number) : undefined;
}

export function savepointName(jobId: string, random: Random): string {
  return `savepoint-${jobFolder(jobId).slice(0, 6)}-${token(random, 2).slice(0, 12)}`;
}

/** Hexadecimal digits, eight a word. */
export function token(random: Random, words: number): string {
  return Array.from({ length: words }, () => random.u32().toString(16).padStart(8, "0")).join("");
}
