/** What a job's folder holds when a coordinator opens it: the checkpoints it adopts, and what nobody needs. */
import { MillraceError } from "../base/error.js";
import type { ErrorCode } from "../base/error-catalogue.js";
import type { BlobStore } from "../storage/contract.js";
import { type Fence, isAdopted } from "./fencing.js";
import { isDamage, readManifest } from "./load.js";
import {
  checkpointFolder,
  checkpointOf,
  epochsFolder,
  isManifest,
  jobFolder,
  manifestPath,
} from "./paths.js";
import type { References } from "./references.js";
import type { Manifest } from "./snapshot.js";

/** A complete checkpoint that is kept. */
export interface KeptCheckpoint {
  readonly checkpoint: number;
  /** Its folder, relative to the store. */
  readonly path: string;
  readonly purpose?: Manifest["purpose"];
  /** When it was triggered, wall ms. */
  readonly timestamp?: number;
  /** Why its manifest cannot be read; what it refers to is unknown then. */
  readonly problem?: MillraceError;
}

export interface History {
  /** By number. */
  readonly kept: readonly KeptCheckpoint[];
  /** The readable ones' manifests. */
  readonly manifests: ReadonlyMap<number, Manifest>;
  /** The highest number any checkpoint had, complete or not; 0 when there was none. */
  readonly highest: number;
}

/** Reads the manifests in a job's folder that belong to its history, after the fence's epoch was claimed. */
export async function readHistory(store: BlobStore, fence: Fence, jobId: string): Promise<History> {
  const adoption = await fence.lastAdoption();
  const paths = new Set(await store.list(jobFolder(jobId)));
  const numbers = new Set([...paths].map((path) => checkpointOf(jobId, path) ?? 0));
  const kept: KeptCheckpoint[] = [];
  const manifests = new Map<number, Manifest>();
  for (const checkpoint of [...numbers].sort((a, b) => a - b)) {
    const path = checkpointFolder(jobId, checkpoint);
    if (!paths.has(manifestPath(path))) continue;
    try {
      const { manifest, epoch } = await readManifest(store, path);
      if (!isAdopted(adoption, checkpoint, epoch)) continue;
      manifests.set(checkpoint, manifest);
      kept.push({ checkpoint, path, purpose: manifest.purpose, timestamp: manifest.timestamp });
    } catch (error) {
      if (!isDamage(error) && !hasCode(error, "CHECKPOINT_VERSION")) throw error;
      if (hasCode(error, "CHECKPOINT_NOT_FOUND")) continue; // a predecessor was just evicting it
      kept.push({ checkpoint, path, problem: error });
    }
  }
  return { kept, manifests, highest: Math.max(0, ...numbers) };
}

/**
 * Removes what no kept checkpoint needs. While a manifest is unreadable nothing goes: it may need anything.
 * Only what is listed before the fence is checked is removed, so nothing that a successor has written.
 */
export async function cleanUp(
  store: BlobStore,
  fence: Fence,
  jobId: string,
  history: History,
  references: References,
): Promise<void> {
  if (history.kept.some(({ problem }) => problem !== undefined)) return;
  const paths = await store.list(jobFolder(jobId));
  await fence.check();
  const needed = new Set(history.kept.map(({ path }) => manifestPath(path)));
  const unneeded = paths.filter(
    (path) => !path.startsWith(`${epochsFolder(jobId)}/`) && !needed.has(path) && !references.has(path),
  );
  // manifests first: what is left after a crash is blobs without one, never one without its blobs
  for (const path of unneeded.filter(isManifest)) await store.remove(path);
  for (const path of unneeded) if (!isManifest(path)) await store.remove(path);
  await store.sweep(jobFolder(jobId));
}

function hasCode(error: unknown, code: ErrorCode): error is MillraceError {
  return MillraceError.is(error) && error.code === code;
}
