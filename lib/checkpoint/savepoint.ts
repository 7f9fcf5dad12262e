/** Savepoints: all a manifest refers to, copied into one folder that may be moved anywhere. */
import { present } from "../base/assert.js";
import type { BlobStore } from "../storage/contract.js";
import { joinPath } from "../storage/path.js";
import { encodeManifest } from "./manifest-file.js";
import { manifestPath } from "./paths.js";
import { blobsOf, mapPlaces } from "./places.js";
import type { Manifest } from "./snapshot.js";

/**
 * Copies the blobs, one in memory at a time, then puts the manifest: the savepoint exists when that is there.
 * After a failure nothing is left in `folder`.
 */
export async function writeSavepoint(
  store: BlobStore,
  manifest: Manifest,
  target: BlobStore,
  folder: string,
): Promise<void> {
  try {
    const names = new Map<string, string>();
    for (const blob of blobsOf(manifest).keys()) {
      const name = `blob-${names.size}`;
      await target.put(joinPath(folder, name), [await store.get(blob)]);
      names.set(blob, `./${name}`);
    }
    const own = mapPlaces(manifest, (place) =>
      "blob" in place ? { ...place, blob: present(names.get(place.blob)) } : place,
    );
    const file = encodeManifest({ manifest: own, epoch: 0 });
    await target.put(manifestPath(folder), [file], { exclusive: true });
  } catch (error) {
    await target.removeFolder(folder).catch(() => undefined); // the first error is the one to tell
    throw error;
  }
}
