import { crc32 } from "node:zlib";
import { MillraceError } from "../base/error.js";
import type { BlobStore } from "../storage/contract.js";
import type { Segment } from "./snapshot.js";

/**
 * The bytes of a segment, from wherever they are. Throws CHECKPOINT_DAMAGED when they are not those that were
 * written, BLOB_MISSING.
 */
export async function segmentBytes(
  { place, bytes }: Segment,
  store: BlobStore | undefined,
): Promise<Uint8Array> {
  if ("inline" in place) return place.inline;
  if (store === undefined) {
    throw new MillraceError("BLOB_MISSING", `${place.blob} is in a store that is not there`);
  }
  const found = await store.getRange(place.blob, place.offset, bytes);
  if (crc32(found) === place.crc) return found;
  const where = `${bytes} bytes at ${place.offset} of ${place.blob}`;
  throw new MillraceError("CHECKPOINT_DAMAGED", `${where} do not match their checksum`);
}
