/** Reading checkpoints and savepoints back: whole, or a coded error that says what is wrong with which file. */
import { MillraceError } from "../base/error.js";
import type { BlobStore, StoreLocation } from "../storage/contract.js";
import { placeOf } from "../storage/location.js";
import { joinPath } from "../storage/path.js";
import { decodeManifest, type ManifestFile } from "./manifest-file.js";
import { folderOfManifest, manifestPath } from "./paths.js";
import { blobsOf, mapPlaces } from "./places.js";
import type { Manifest } from "./snapshot.js";

/** A checkpoint or savepoint to go on from. */
export interface LoadedCheckpoint {
  /** Its folder, relative to the store. */
  readonly path: string;
  /** References are relative to the root of the store at `location`. */
  readonly manifest: Manifest;
  readonly location: StoreLocation;
}

/** The checkpoint to go on from after a failure. */
export interface LatestCheckpoint extends LoadedCheckpoint {
  /** Why newer ones could not be used; newest first. */
  readonly skipped: readonly MillraceError[];
}

/** Errors of a checkpoint that is broken and stays so, as against those of a store that is out of reach now. */
const DAMAGE: readonly string[] = [
  "CHECKPOINT_NOT_FOUND",
  "CHECKPOINT_FOREIGN",
  "CHECKPOINT_TORN",
  "CHECKPOINT_DAMAGED",
  "CHECKPOINT_INCOMPLETE",
];

/** Shown of a list of missing blobs. */
const MISSING_SHOWN = 3;

/**
 * The checkpoint or savepoint in a folder of the store ("" is its root), with every blob checked to be there.
 * Throws CHECKPOINT_NOT_FOUND, CHECKPOINT_FOREIGN, CHECKPOINT_TORN, CHECKPOINT_DAMAGED, CHECKPOINT_VERSION,
 * CHECKPOINT_INCOMPLETE, STORAGE_FAILED.
 */
export async function loadCheckpoint(store: BlobStore, path: string): Promise<LoadedCheckpoint> {
  const folder = folderOfManifest(path);
  const { manifest } = await readManifest(store, folder);
  const missing = await missingBlobs(store, manifest);
  if (missing.length > 0) {
    const shown =
      missing.slice(0, MISSING_SHOWN).join(", ") + (missing.length > MISSING_SHOWN ? ", ..." : "");
    throw new MillraceError(
      "CHECKPOINT_INCOMPLETE",
      `${placeOf(store.location, folder)} lacks ${missing.length} of its blobs: ${shown}`,
    );
  }
  return { path: folder, manifest, location: store.location };
}

/** As `loadCheckpoint`; what is broken is answered as an error, anything else thrown. */
export async function tryLoad(store: BlobStore, path: string): Promise<LoadedCheckpoint | MillraceError> {
  try {
    return await loadCheckpoint(store, path);
  } catch (error) {
    if (isDamage(error)) return error;
    throw error;
  }
}

/**
 * The last of the folders, oldest first, whose checkpoint is whole; undefined when there are none. Throws
 * CHECKPOINT_LOST when there are and none is whole: to begin anew then would be to lose state in silence.
 */
export async function latestWhole(
  store: BlobStore,
  folders: readonly string[],
): Promise<LatestCheckpoint | undefined> {
  const skipped: MillraceError[] = [];
  for (const folder of folders.toReversed()) {
    const found = await tryLoad(store, folder);
    if (!MillraceError.is(found)) return { ...found, skipped };
    skipped.push(found);
  }
  if (skipped.length === 0) return undefined;
  const faults = skipped.map(({ message }) => message).join("; ");
  throw new MillraceError("CHECKPOINT_LOST", `no checkpoint is whole: ${faults}`, { cause: skipped[0] });
}

export function isDamage(error: unknown): error is MillraceError {
  return MillraceError.is(error) && DAMAGE.includes(error.code);
}

/** A manifest, its references made relative to the store's root. */
export async function readManifest(store: BlobStore, folder: string): Promise<ManifestFile> {
  let bytes: Uint8Array;
  try {
    bytes = await store.get(manifestPath(folder));
  } catch (error) {
    if (!MillraceError.is(error) || error.code !== "BLOB_MISSING") throw error;
    const message = `there is no checkpoint in ${placeOf(store.location, folder)}`;
    throw new MillraceError("CHECKPOINT_NOT_FOUND", message, { cause: error });
  }
  const file = decodeManifest(bytes, placeOf(store.location, manifestPath(folder)));
  const manifest = mapPlaces(file.manifest, (place) =>
    "blob" in place && place.blob.startsWith("./")
      ? { ...place, blob: joinPath(folder, place.blob.slice(2)) }
      : place,
  );
  return { ...file, manifest };
}

/** The blobs a manifest refers to that are gone or too short. */
export async function missingBlobs(store: BlobStore, manifest: Manifest): Promise<string[]> {
  const missing: string[] = [];
  for (const [blob, bytes] of blobsOf(manifest)) {
    try {
      await store.getRange(blob, Math.max(0, bytes - 1), Math.min(1, bytes));
    } catch (error) {
      if (!MillraceError.is(error) || error.code !== "BLOB_MISSING") throw error;
      missing.push(blob);
    }
  }
  return missing;
}
