/** How blocks of Avro files are unpacked, by the names of codecs. Libraries are fetched by who needs them. */
import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import { AVRO_BLOCK_BYTES_MAX } from "../base/limits.js";

/** Throws what libraries say of bytes that are damaged. */
export type Unpack = (body: Buffer) => Buffer | Promise<Buffer>;

const CHECKSUM_BYTES = 4;
const inflate = promisify(inflateRaw);

const CODECS: Readonly<Record<string, () => Promise<Unpack>>> = {
  null: async () => (body) => body,
  deflate: async () => (body) => inflate(body, { maxOutputLength: AVRO_BLOCK_BYTES_MAX }),
  snappy: async () => {
    const { compressors } = await import("hyparquet-compressors");
    return (body) => unpackSnappy(body, compressors.SNAPPY!);
  },
  zstandard: async () => {
    const { Decompress } = await import("fzstd");
    return (body) => {
      const pieces: Uint8Array[] = [];
      let bytes = 0;
      const stream = new Decompress((piece) => {
        expectSize((bytes += piece.length));
        pieces.push(piece);
      });
      stream.push(body, true);
      return Buffer.concat(pieces);
    };
  },
};

export const CODEC_NAMES = Object.keys(CODECS);

/** Undefined: nobody here knows the codec. */
export async function unpackOf(codec: string): Promise<Unpack | undefined> {
  return CODEC_NAMES.includes(codec) ? CODECS[codec]!() : undefined;
}

/** Behind the packed bytes, which begin with the size of what they hold, stands the CRC-32 of that. */
function unpackSnappy(body: Buffer, unpack: (input: Uint8Array, bytes: number) => Uint8Array): Buffer {
  const end = body.length - CHECKSUM_BYTES;
  let [size, scale] = [0, 1];
  for (let i = 0, byte = 128; byte >= 128; i++) {
    if (i >= end) throw new Error("it has no size");
    byte = body[i]!;
    size += (byte & 0x7f) * scale;
    scale *= 128;
  }
  expectSize(size);
  const { buffer, byteOffset, byteLength } = unpack(body.subarray(0, end), size);
  const content = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  if (crc32(content) !== body.readUInt32BE(end)) throw new Error("its checksum is another");
  return content;
}

function expectSize(bytes: number): void {
  if (bytes > AVRO_BLOCK_BYTES_MAX) throw new Error(`it holds more than ${AVRO_BLOCK_BYTES_MAX} bytes`);
}
