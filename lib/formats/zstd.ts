/** Zstandard frames, unpacked as they come. Their checksums are not looked at. */
import { MillraceError, messageOf } from "../base/error.js";

/** What is unpacked at once: a few packed bytes may stand for very many. */
const PUSHED_BYTES = 16 * 1024;
/** What the library says of bytes that end too early. */
const UNEXPECTED_END = 5;

/** Throws FILE_TRUNCATED, FILE_FORMAT_INVALID. */
export async function* unpackZstd(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  // Every thread of every job imports this file; few read Zstandard.
  const { Decompress } = await import("fzstd");
  let made: Buffer[] = [];
  const stream = new Decompress((bytes) => {
    made.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
  const push = (bytes: Uint8Array, isLast: boolean): Buffer[] => {
    made = [];
    try {
      stream.push(bytes, isLast);
    } catch (error) {
      throw coded(error, path);
    }
    return made;
  };
  let isEmpty = true;
  for await (const chunk of chunks) {
    isEmpty &&= chunk.length === 0;
    for (let at = 0; at < chunk.length; at += PUSHED_BYTES)
      yield* push(chunk.subarray(at, at + PUSHED_BYTES), false);
  }
  if (isEmpty) throw coded({ code: UNEXPECTED_END }, path);
  yield* push(Buffer.alloc(0), true);
}

function coded(cause: unknown, path: string): MillraceError {
  return (cause as { code?: unknown }).code === UNEXPECTED_END
    ? new MillraceError("FILE_TRUNCATED", `${path}: the Zstandard frame ends too early`, { cause })
    : new MillraceError(
        "FILE_FORMAT_INVALID",
        `${path} is not a readable Zstandard file: ${messageOf(cause)}`,
        {
          cause,
        },
      );
}
