/**
 * LZ4 frames, unpacked as they come; several may follow each other.
 *
 *   magic | flags | block size | [content size, 8] | [dictionary, 4] | header's checksum, 1 | block | ... | 0, 4
 *   | [content's checksum, 4]
 *   block: size, 4, its highest bit says that it is not packed | bytes | [checksum, 4]
 */
import { MillraceError } from "../base/error.js";
import { ByteInput } from "./byte-input.js";
import { Xxh32 } from "./xxh32.js";

const MAGIC = 0x184d2204;
/** The last four bits are free. Such a frame is somebody else's, and skipped. */
const SKIPPED_MAGIC = 0x184d2a50;
const VERSION = 1;
const HISTORY_BYTES = 64 * 1024;
const NOT_PACKED = 0x8000_0000;
const MATCH_BYTES_MIN = 4;

/** Throws FILE_TRUNCATED, FILE_FORMAT_INVALID. */
export async function* unpackLz4(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  const input = new Input(chunks, path);
  try {
    do {
      const magic = (await input.take(4)).readUInt32LE();
      if ((magic & ~0xf) >>> 0 === SKIPPED_MAGIC) await input.skip((await input.take(4)).readUInt32LE());
      else if (magic === MAGIC) yield* unpackFrame(input);
      else throw input.invalid("it does not begin as an LZ4 frame does");
    } while (await input.has(1));
  } finally {
    await input.close();
  }
}

async function* unpackFrame(input: Input): AsyncGenerator<Buffer> {
  const { linked, blockChecksum, contentChecksum, blockBytes } = await readHeader(input);
  const content = new Xxh32();
  let history: Buffer = Buffer.alloc(0);
  for (;;) {
    const { at } = input;
    const field = (await input.take(4)).readUInt32LE();
    if (field === 0) break;
    const size = field % NOT_PACKED;
    if (size > blockBytes) throw input.invalid(`the block at byte ${at} is too large`);
    const packed = await input.take(size);
    if (blockChecksum) await expectChecksum(input, new Xxh32().update(packed), `the block at byte ${at}`);
    let block = packed;
    if (field < NOT_PACKED) {
      const room = Buffer.allocUnsafe(history.length + blockBytes);
      history.copy(room);
      const end = unpackBlock(packed, room, history.length);
      if (end < 0) throw input.invalid(`the block at byte ${at} is damaged`);
      block = room.subarray(history.length, end);
    }
    if (linked) history = lastOf(history, block);
    if (contentChecksum) content.update(block);
    yield block;
  }
  if (contentChecksum) await expectChecksum(input, content, "its content");
}

async function readHeader(input: Input) {
  const fixed = Buffer.from(await input.take(2));
  const [flags, size] = [fixed[0]!, fixed[1]!];
  const blockBytes = 1 << (8 + 2 * ((size >> 4) & 7));
  if (flags >> 6 !== VERSION || blockBytes < HISTORY_BYTES) throw input.invalid("its header is damaged");
  const rest = Buffer.from(await input.take((flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0)));
  const sum = (await input.take(1))[0]!;
  if (((new Xxh32().update(fixed).update(rest).digest() >>> 8) & 0xff) !== sum)
    throw input.invalid("its header is damaged");
  if (flags & 1) throw input.invalid("it was packed with a dictionary");
  return {
    linked: (flags & 32) === 0,
    blockChecksum: (flags & 16) !== 0,
    contentChecksum: (flags & 4) !== 0,
    blockBytes,
  };
}

async function expectChecksum(input: Input, sum: Xxh32, what: string): Promise<void> {
  if ((await input.take(4)).readUInt32LE() !== sum.digest()) throw input.invalid(`${what} is damaged`);
}

function lastOf(history: Buffer, block: Buffer): Buffer {
  if (block.length >= HISTORY_BYTES) return block.subarray(block.length - HISTORY_BYTES);
  const all = Buffer.concat([history, block]);
  return all.subarray(Math.max(0, all.length - HISTORY_BYTES));
}

/** Answers where the block ends that begins at `begin` in `to`, behind its history; -1 if it is damaged. */
function unpackBlock(from: Buffer, to: Buffer, begin: number): number {
  let [i, at] = [0, begin];
  const extended = (length: number): number => {
    if (length < 15) return length;
    let sum = length;
    for (let byte = 255; byte === 255; sum += byte) {
      if (i >= from.length) return Number.POSITIVE_INFINITY;
      byte = from[i++]!;
    }
    return sum;
  };
  while (i < from.length) {
    const token = from[i++]!;
    const literals = extended(token >> 4);
    if (i + literals > from.length || at + literals > to.length) return -1;
    from.copy(to, at, i, i + literals);
    i += literals;
    at += literals;
    // A block ends with literals.
    if (i === from.length) return at;
    if (i + 2 > from.length) return -1;
    const distance = from[i]! | (from[i + 1]! << 8);
    i += 2;
    const length = extended(token & 15) + MATCH_BYTES_MIN;
    if (distance === 0 || distance > at || at + length > to.length) return -1;
    // The match may reach into what it makes itself.
    for (const end = at + length; at < end; at++) to[at] = to[at - distance]!;
  }
  return -1;
}

/** A file of frames. */
class Input extends ByteInput {
  private readonly path: string;

  constructor(chunks: AsyncIterable<Buffer>, path: string) {
    super(chunks);
    this.path = path;
  }

  async take(count: number): Promise<Buffer> {
    if (await this.has(count)) return this.taken(count);
    throw new MillraceError(
      "FILE_TRUNCATED",
      `${this.path}: the LZ4 frame ends too early, at byte ${this.end}`,
    );
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; left -= HISTORY_BYTES) await this.take(Math.min(left, HISTORY_BYTES));
  }

  invalid(what: string): MillraceError {
    return new MillraceError("FILE_FORMAT_INVALID", `${this.path} is not a readable LZ4 file: ${what}`);
  }
}
