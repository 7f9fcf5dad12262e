/** A file's bytes, unpacked if its name ends in .gz, .zst or .lz4. */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { MillraceError, messageOf } from "../base/error.js";
import { OpenFile } from "../base/open-file.js";
import type { FilePart } from "./contract.js";
import { unpackLz4 } from "./lz4.js";
import { unpackZstd } from "./zstd.js";

const CHUNK_BYTES = 256 * 1024;

export function isPacked(path: string): boolean {
  return /\.(gz|zst|lz4)$/.test(path);
}

/**
 * From byte `begin` to the file's end, in chunks; what lies behind the part is hardly ever needed. Throws
 * FILE_NOT_FOUND, FILE_TRUNCATED, FILE_FORMAT_INVALID.
 */
export async function* fileBytes(part: FilePart, begin: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    if (isPacked(part.path)) yield* unpacked(part, signal);
    else yield* plain(part, begin, part.end, signal);
  } catch (error) {
    // What ends early because nobody wants it is not cut off.
    if (!signal.aborted) throw fileError(error, part.path);
  }
}

async function* plain(
  { path, content }: FilePart,
  begin: number,
  likelyEnd: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (content !== undefined) {
    for await (const chunk of content.stream(begin, likelyEnd)) {
      if (signal.aborted) return;
      yield chunk;
    }
    return;
  }
  const file = new OpenFile(path);
  try {
    for (let at = begin; !signal.aborted; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const bytesRead = await file.read(chunk, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    file.close();
  }
}

function unpacked(part: FilePart, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { path, size } = part;
  const bytes = plain(part, 0, size, signal);
  if (path.endsWith(".zst")) return unpackZstd(bytes, path);
  return path.endsWith(".lz4") ? unpackLz4(bytes, path) : gunzipped(bytes, signal);
}

async function* gunzipped(bytes: AsyncGenerator<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const file = Readable.from(bytes, { objectMode: false });
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  file.on("error", (error) => gunzip.destroy(error));
  file.pipe(gunzip);
  try {
    for await (const chunk of gunzip) {
      if (signal.aborted) return;
      yield chunk as Buffer;
    }
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}

/** What the system or zlib said, under our codes. */
export function fileError(error: unknown, path: string): unknown {
  if (MillraceError.is(error)) return error;
  const code = (error as { code?: unknown }).code;
  if (code === "ENOENT")
    return new MillraceError("FILE_NOT_FOUND", `no such file: ${path}`, { cause: error });
  if (code === "Z_BUF_ERROR") {
    return new MillraceError("FILE_TRUNCATED", `${path}: the gzip stream ends too early`, { cause: error });
  }
  if (typeof code === "string" && code.startsWith("Z_")) {
    return new MillraceError("FILE_FORMAT_INVALID", `${path} is not a gzip file: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return error;
}
