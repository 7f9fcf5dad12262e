/**
 * Keys of the environment; all entries of a state's key lie together, and those of a key group and state:
 *
 *   | u16 key group | u16 state | u16 length | bytes of the key | bytes of what comes below it |
 *
 * all big endian. Below a key: nothing (value), the map key's bytes (map), u32 number of the chunk (list).
 * Bytes of a canonical key: a byte that says how, then its text in UTF-8 (0), in UTF-16 where half a surrogate
 * pair forbids UTF-8 (1), or the SHA-256 of a text that is too long for LMDB (2).
 */
import { createHash } from "node:crypto";
import type { CanonicalKey } from "../key.js";

export const HEAD_BYTES = 6;

/** Two of them and the head stay below LMDB's 1978 bytes a key. */
const KEY_BYTES_MAX = 900;

/** A text that differs for any two canonical keys. */
export function keyText(key: CanonicalKey): string {
  switch (typeof key) {
    case "string":
      return `s${key}`;
    case "number":
      return `n${key === 0 ? 0 : key}`;
    case "bigint":
      return `i${key}`;
    default:
      return `p${key}`;
  }
}

export function keyBytes(key: CanonicalKey): Buffer {
  const text = keyText(key);
  const exact = text.isWellFormed();
  const bytes = Buffer.from(text, exact ? "utf8" : "utf16le");
  if (bytes.length >= KEY_BYTES_MAX) {
    return Buffer.concat([Buffer.of(2), createHash("sha256").update(text, "utf16le").digest()]);
  }
  return Buffer.concat([Buffer.of(exact ? 0 : 1), bytes]);
}

export function chunkBytes(chunk: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(chunk);
  return bytes;
}

/** The head of all keys of a group and state. */
export function groupPrefix(group: number, state: number): Buffer {
  const head = Buffer.allocUnsafe(4);
  head.writeUInt16BE(group, 0);
  head.writeUInt16BE(state, 2);
  return head;
}

/** What all keys below a key of a state begin with. */
export function keyPrefix(group: number, state: number, key: CanonicalKey): Buffer {
  const bytes = keyBytes(key);
  const prefix = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
  prefix.writeUInt16BE(group, 0);
  prefix.writeUInt16BE(state, 2);
  prefix.writeUInt16BE(bytes.length, 4);
  bytes.copy(prefix, HEAD_BYTES);
  return prefix;
}

/** The first key behind all that begin with a prefix; prefixes never consist of 0xff alone. */
export function behind(prefix: Buffer): Buffer {
  let length = prefix.length;
  while (prefix[length - 1] === 0xff) length--;
  const end = Buffer.from(prefix.subarray(0, length));
  end[length - 1]!++;
  return end;
}
