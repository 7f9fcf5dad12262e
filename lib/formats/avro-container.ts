/**
 * Avro's object container files.
 *
 *   "Obj" 1 | map of metadata: avro.schema, avro.codec | mark, 16 bytes | block | block | ...
 *   block:    count of records | size | so many bytes, packed by the codec | mark
 *
 * A block belongs to the part of the file in which the mark before it begins. Nothing tells that a file which ends
 * behind a block is not whole.
 */
import { MillraceError } from "../base/error.js";
import { AVRO_BLOCK_BYTES_MAX } from "../base/limits.js";
import { varint } from "./avro-type.js";
import { ByteInput } from "./byte-input.js";
import type { FilePart } from "./contract.js";
import { fileBytes, isPacked } from "./file-bytes.js";

const MAGIC = Buffer.from("Obj\x01", "latin1");
export const MARK_BYTES = 16;
const VARINT_BYTES_MAX = 10;
/** Of an object that lies elsewhere, fetched at once for the header. */
const HEADER_BYTES = 64 * 1024;

export interface AvroHeader {
  readonly schema: string;
  readonly codec: string;
  readonly mark: Buffer;
}

export interface AvroBlock {
  /** Where it begins in the file. */
  readonly at: number;
  readonly count: number;
  /** As it lies in the file. */
  readonly body: Buffer;
  /** Of the file, with its mark. */
  readonly bytes: number;
}

/** The blocks of a part. Throws FILE_TRUNCATED, FILE_FORMAT_INVALID. */
export async function* readBlocks(
  part: FilePart,
  signal: AbortSignal,
): AsyncGenerator<readonly [AvroHeader, AvroBlock]> {
  const packed = isPacked(part.path);
  const isFirst = packed || part.begin === 0;
  // One byte early: what is fetched ahead begins there.
  const start = isFirst ? 0 : part.begin - 1;
  const cursor = new Cursor(part.path, fileBytes(part, start, signal), start);
  try {
    const header = isFirst ? await readHeader(cursor) : await headerOf(part, signal);
    if (!isFirst) {
      await cursor.take(1, "a part");
      if (!(await cursor.seek(header.mark))) return;
      await cursor.take(MARK_BYTES, "a mark");
    }
    const end = packed ? Number.POSITIVE_INFINITY : part.end;
    while (cursor.at - MARK_BYTES < end && (await cursor.has(1)))
      yield [header, await readBlock(cursor, header, packed ? undefined : part.size)];
  } catch (error) {
    // What ends early because nobody wants it is not cut off.
    if (!signal.aborted) throw error;
  } finally {
    await cursor.close();
  }
}

/** What stands before the first block. */
export function headerBytes({ schema, codec, mark }: AvroHeader): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    return [varint(bytes.length), bytes];
  };
  const entries = [...text("avro.schema"), ...text(schema), ...text("avro.codec"), ...text(codec)];
  return Buffer.concat([MAGIC, varint(2), ...entries, varint(0), mark]);
}

async function headerOf(part: FilePart, signal: AbortSignal): Promise<AvroHeader> {
  const { content, size } = part;
  const chunks =
    content === undefined
      ? fileBytes(part, 0, signal)
      : (async function* () {
          for (let at = 0; at < size; at += HEADER_BYTES)
            yield Buffer.from(await content.slice(at, Math.min(at + HEADER_BYTES, size)));
        })();
  const cursor = new Cursor(part.path, chunks, 0);
  try {
    return await readHeader(cursor);
  } finally {
    await cursor.close();
  }
}

async function readHeader(cursor: Cursor): Promise<AvroHeader> {
  const what = "its header";
  const magic = await cursor.peek(MAGIC.length);
  if (!MAGIC.subarray(0, magic.length).equals(magic)) throw cursor.invalid("it does not begin with Obj 1");
  await cursor.take(MAGIC.length, what);
  const metadata = new Map<string, string>();
  const piece = async () => (await cursor.take(await cursor.length(what), what)).toString();
  for (let count = await cursor.long(what); count !== 0; count = await cursor.long(what)) {
    // A negative count says that a size in bytes follows.
    if (count < 0) await cursor.long(what);
    for (let i = Math.abs(count); i > 0; i--) metadata.set(await piece(), await piece());
  }
  const schema = metadata.get("avro.schema");
  if (schema === undefined) throw cursor.invalid("its header has no schema");
  const mark = await cursor.take(MARK_BYTES, what);
  return { schema, codec: metadata.get("avro.codec") ?? "null", mark };
}

async function readBlock(cursor: Cursor, header: AvroHeader, size: number | undefined): Promise<AvroBlock> {
  const { at } = cursor;
  const what = `the block at byte ${at}`;
  const count = await cursor.length(what);
  const length = await cursor.length(what);
  if (size !== undefined && cursor.at + length + MARK_BYTES > size) throw cursor.truncated(size, what);
  const body = await cursor.take(length, what);
  const mark = await cursor.take(MARK_BYTES, what);
  if (!mark.equals(header.mark))
    throw cursor.invalid(`${what} is damaged: its mark does not stand behind it`);
  return { at, count, body, bytes: cursor.at - at };
}

/** A file of blocks. */
class Cursor extends ByteInput {
  private readonly path: string;

  constructor(path: string, chunks: AsyncIterable<Buffer>, begin: number) {
    super(chunks, begin);
    this.path = path;
  }

  async take(count: number, what: string): Promise<Buffer> {
    if (await this.has(count)) return this.taken(count);
    throw this.truncated(this.end, what);
  }

  async long(what: string): Promise<number> {
    const bytes = await this.peek(VARINT_BYTES_MAX);
    let [n, scale] = [0, 1];
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = bytes[i];
      if (byte === undefined) throw this.truncated(this.at + i, what);
      n += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte >= 128) continue;
      this.taken(i + 1);
      if (n > Number.MAX_SAFE_INTEGER) break;
      return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
    }
    throw this.invalid(`${what} is damaged: a number in it is too large`);
  }

  /** A count or a size. */
  async length(what: string): Promise<number> {
    const length = await this.long(what);
    if (length >= 0 && length <= AVRO_BLOCK_BYTES_MAX) return length;
    throw this.invalid(`${what} is damaged: it cannot be of ${length} records or bytes`);
  }

  invalid(what: string): MillraceError {
    return new MillraceError("FILE_FORMAT_INVALID", `${this.path} is not a readable Avro file: ${what}`);
  }

  truncated(end: number, what: string): MillraceError {
    return new MillraceError("FILE_TRUNCATED", `${this.path} ends at byte ${end}, within ${what}`);
  }
}
