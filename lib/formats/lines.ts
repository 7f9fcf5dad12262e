/** Lines of a part of a text file. */
import { MillraceError } from "../base/error.js";
import type { FilePart } from "./contract.js";
import { fileBytes, isPacked } from "./file-bytes.js";

const NEWLINE = 10;

export interface LineBatch {
  readonly lines: readonly string[];
  /** Line number of the first, from 1, counted from the part's begin. */
  readonly first: number;
  readonly bytes: number;
  /** The last line of the file, which no line end follows. */
  readonly unfinished: boolean;
}

/**
 * The lines that begin within the part: all after the first line end at or after `begin - 1`, up to and
 * including the one that begins last before `end`. So the parts of a file have each line once.
 */
export async function* readLines(part: FilePart, signal: AbortSignal): AsyncGenerator<LineBatch> {
  const packed = isPacked(part.path);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const limit = packed ? Number.POSITIVE_INFINITY : part.end;
  let rest: Buffer = Buffer.alloc(0);
  // Position of the first byte of `rest`.
  let at = packed || part.begin === 0 ? 0 : part.begin - 1;
  let skipping = at > 0 || part.begin === 1;
  let first = 1;
  const decode = (bytes: Buffer): string => {
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw new MillraceError("FILE_FORMAT_INVALID", `${part.path} is not UTF-8 text near byte ${at}`, {
        cause,
      });
    }
  };
  const batch = (bytes: Buffer, unfinished: boolean): LineBatch => {
    const lines = decode(bytes).split("\n");
    if (!unfinished) lines.pop();
    for (let i = 0; i < lines.length; i++) if (lines[i]!.endsWith("\r")) lines[i] = lines[i]!.slice(0, -1);
    const made = { lines, first, bytes: packed ? 0 : bytes.length, unfinished };
    first += lines.length;
    at += bytes.length;
    return made;
  };
  for await (const chunk of fileBytes(part, at, signal)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (skipping) {
      const end = rest.indexOf(NEWLINE);
      const skipped = end < 0 ? rest.length : end + 1;
      rest = rest.subarray(skipped);
      at += skipped;
      skipping = end < 0;
      if (skipping) continue;
    }
    if (at >= limit) return;
    // The line that begins before the limit ends at the first line end at or after `limit - 1`.
    const inLimit = limit - 1 - at;
    let cut = inLimit < rest.length ? rest.indexOf(NEWLINE, Math.max(inLimit, 0)) : rest.lastIndexOf(NEWLINE);
    const isLast = inLimit < rest.length && cut >= 0;
    if (cut < 0) cut = rest.lastIndexOf(NEWLINE);
    if (cut < 0) continue;
    yield batch(rest.subarray(0, cut + 1), false);
    if (isLast) return;
    rest = rest.subarray(cut + 1);
  }
  if (rest.length > 0 && !skipping && at < limit) yield batch(rest, true);
}
