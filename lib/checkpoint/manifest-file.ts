/**
 * Manifests as files.
 *
 *   byte 0        8        12       16           24          28        32
 *        +--------+--------+--------+------------+-----------+---------+------+--------------+----------+
 *        | magic  | version| epoch  | file bytes | JSON bytes|    0    | JSON | inline bytes | SHA-256  |
 *        +--------+--------+--------+------------+-----------+---------+------+--------------+----------+
 *          8        u32      u32      f64          u32         u32                             32
 *
 * Little endian; the hash is of everything before it. Magic, version, file bytes and the hash at the end stay
 * where they are in every version, so that damage is told from a newer version. In the JSON the place of inline
 * bytes says where they are behind it. The single writer is the coordinator.
 */
import { createHash } from "node:crypto";
import { MillraceError } from "../base/error.js";
import { jsonText } from "./json-text.js";
import { mapPlaces } from "./places.js";
import type { Manifest, SegmentPlace } from "./snapshot.js";

const MAGIC = new TextEncoder().encode("MILLRCHK");
const VERSION = 1;
const VERSION_AT = 8;
const EPOCH_AT = 12;
const FILE_BYTES_AT = 16;
const JSON_BYTES_AT = 24;
const HEADER_BYTES = 32;
const HASH_BYTES = 32;

export interface ManifestFile {
  readonly manifest: Manifest;
  /** Of the coordinator that wrote it; 0 in a savepoint. */
  readonly epoch: number;
}

/** The bytes of a manifest. Throws CHECKPOINT_NOT_JSON. */
export function encodeManifest({ manifest, epoch }: ManifestFile): Uint8Array {
  const inline: Uint8Array[] = [];
  let inlineBytes = 0;
  const described = mapPlaces(manifest, (place) => {
    if (!("inline" in place)) return place;
    const at = [inlineBytes, place.inline.length];
    inline.push(place.inline);
    inlineBytes += place.inline.length;
    return { inline: at } as unknown as SegmentPlace;
  });
  const json = new TextEncoder().encode(jsonText(described));
  const file = new Uint8Array(HEADER_BYTES + json.length + inlineBytes + HASH_BYTES);
  const view = new DataView(file.buffer);
  file.set(MAGIC);
  view.setUint32(VERSION_AT, VERSION, true);
  view.setUint32(EPOCH_AT, epoch, true);
  view.setFloat64(FILE_BYTES_AT, file.length, true);
  view.setUint32(JSON_BYTES_AT, json.length, true);
  file.set(json, HEADER_BYTES);
  let at = HEADER_BYTES + json.length;
  for (const bytes of inline) {
    file.set(bytes, at);
    at += bytes.length;
  }
  file.set(hashOf(file.subarray(0, at)), at);
  return file;
}

/**
 * The manifest in a file; `path` is for messages. Throws CHECKPOINT_FOREIGN (not ours), CHECKPOINT_TORN (ends too
 * early), CHECKPOINT_DAMAGED (changed since it was written), CHECKPOINT_VERSION (of another version).
 */
export function decodeManifest(file: Uint8Array, path: string): ManifestFile {
  const view = checkedView(file, path);
  const jsonEnd = HEADER_BYTES + view.getUint32(JSON_BYTES_AT, true);
  const described = JSON.parse(new TextDecoder().decode(file.subarray(HEADER_BYTES, jsonEnd))) as Manifest;
  const manifest = mapPlaces(described, (place) => {
    if (!("inline" in place)) return place;
    const [offset, length] = place.inline as unknown as [number, number];
    return { inline: file.slice(jsonEnd + offset, jsonEnd + offset + length) };
  });
  return { manifest, epoch: view.getUint32(EPOCH_AT, true) };
}

function checkedView(file: Uint8Array, path: string): DataView {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (MAGIC.some((byte, i) => i < file.length && byte !== file[i]))
    throw new MillraceError("CHECKPOINT_FOREIGN", `${path} is not a manifest`);
  const bytes = file.length < HEADER_BYTES ? HEADER_BYTES : view.getFloat64(FILE_BYTES_AT, true);
  if (file.length < bytes)
    throw new MillraceError("CHECKPOINT_TORN", `${path} ends after ${file.length} of ${bytes} bytes`);
  const hashAt = file.length - HASH_BYTES;
  if (
    file.length !== bytes ||
    hashAt < HEADER_BYTES ||
    !isHash(file.subarray(hashAt), file.subarray(0, hashAt))
  )
    throw new MillraceError("CHECKPOINT_DAMAGED", `${path} does not match its checksum`);
  const version = view.getUint32(VERSION_AT, true);
  if (version !== VERSION)
    throw new MillraceError(
      "CHECKPOINT_VERSION",
      `${path} has format ${version}, this program reads ${VERSION}`,
    );
  return view;
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function isHash(hash: Uint8Array, bytes: Uint8Array): boolean {
  return hashOf(bytes).every((byte, i) => byte === hash[i]);
}
