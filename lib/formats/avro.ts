import { deflateRawSync } from "node:zlib";
import type { Type } from "avsc";
import { MillraceError, messageOf } from "../base/error.js";
import { printRecord } from "../base/print-record.js";
import { freshSeed, seededRandom } from "../base/random.js";
import { CODEC_NAMES, type Unpack, unpackOf } from "./avro-codec.js";
import { type AvroBlock, type AvroHeader, headerBytes, MARK_BYTES, readBlocks } from "./avro-container.js";
import { type AvroLibrary, fieldsOf, projected, typeOf, varint } from "./avro-type.js";
import type { FilePart, ReadFormat, RecordBatch, RecordEncoder, WriteFormat } from "./contract.js";

/** A schema as JSON, or the name of a primitive type. */
export type AvroSchema = string | readonly unknown[] | Readonly<Record<string, unknown>>;

/** How blocks are packed that are written. */
export type AvroCodec = "null" | "deflate";

/** What `avro` takes. */
export interface AvroOptions {
  /**
   * Of the records. To write it is needed. To read it is not: files have theirs; given, what was written is read as
   * Avro's rules of schema resolution say, so that fields may have been added, dropped or promoted.
   */
  readonly schema?: AvroSchema;
  /** Fields to read; all unless given. */
  readonly columns?: readonly string[];
  /** For writing. Default "deflate". */
  readonly codec?: AvroCodec;
  /** For writing: a block ends when it has so many bytes, unpacked. Default 64 KiB. */
  readonly blockBytes?: number;
}

const BATCH_RECORDS = 2048;
const BLOCK_BYTES = 64 * 1024;

/**
 * Avro's object container files. They are read in parallel, at any block, with codecs `null`, `deflate`, `snappy` and
 * `zstandard`; written with the first two.
 *
 * Timestamps of ms or us (with or without a zone) and dates become Dates, of the ms in which they are; other logical
 * types stay what they are made of. Longs become numbers where they fit, bigints otherwise; bytes are Buffers. A value
 * of a union is the value itself; if types of the union cannot be told apart by that, such as two records, it is
 * `{ name: value }`. Written are the same, and ms for Dates.
 *
 * Throws FILE_FORMAT_INVALID, FILE_TRUNCATED (a file cut between two blocks cannot be told from a whole one),
 * OPTION_INVALID for a schema that is none, RECORD_INVALID for a record that does not match it.
 *
 * @example
 * env.source("orders", fileSource({ path: "orders/*.avro", format: avro<Order>() }));
 * totals.sink("totals", fileSink({ path: "out", format: avro({ schema: {
 *   type: "record", name: "Total", fields: [{ name: "id", type: "string" }, { name: "cents", type: "long" }],
 * } }) }));
 */
export function avro<T = Record<string, unknown>>(options: AvroOptions = {}): ReadFormat<T> & WriteFormat<T> {
  const { schema, columns, codec = "deflate", blockBytes = BLOCK_BYTES } = options;
  let written: { readonly type: Type; readonly json: string } | undefined;
  return {
    name: "avro",
    description: { schema: schema ?? "of the files", columns: columns ?? "all", codec },
    extension: "avro",
    splitsAnywhere: true,
    read: (part, signal) => readRecords<T>(part, options, signal),
    async load() {
      if (schema === undefined) throw new MillraceError("OPTION_INVALID", "avro: to write needs a schema");
      const library = await openLibrary();
      written = { type: givenType(library, schema), json: JSON.stringify(schema) };
    },
    createEncoder: () => {
      if (written === undefined) throw new MillraceError("OPTION_INVALID", "avro: the schema was not loaded");
      return new AvroEncoder<T>(written.type, written.json, codec, blockBytes);
    },
  };
}

/** Every thread of every job imports this file; few read Avro. */
async function openLibrary(): Promise<AvroLibrary> {
  return (await import("avsc")).default;
}

function givenType(library: AvroLibrary, schema: AvroSchema): Type {
  try {
    return typeOf(library, structuredClone(schema));
  } catch (cause) {
    throw new MillraceError("OPTION_INVALID", `avro: the schema is none: ${messageOf(cause)}`, { cause });
  }
}

async function* readRecords<T>(
  part: FilePart,
  options: AvroOptions,
  signal: AbortSignal,
): AsyncGenerator<RecordBatch<T>> {
  const library = await openLibrary();
  let reader: BlockReader<T> | undefined;
  for await (const [header, block] of readBlocks(part, signal)) {
    reader ??= new BlockReader<T>(library, part.path, header, options, await unpackOf(header.codec));
    yield* reader.read(block);
  }
}

/** The records of a file's blocks. */
class BlockReader<T> {
  private readonly path: string;
  private readonly type: Type;
  private readonly resolver: ReturnType<Type["createResolver"]> | undefined;
  private readonly unpack: Unpack;

  constructor(
    library: AvroLibrary,
    path: string,
    { schema, codec }: AvroHeader,
    options: AvroOptions,
    unpack: Unpack | undefined,
  ) {
    this.path = path;
    if (unpack === undefined) {
      const hint = `Codecs that are read are ${CODEC_NAMES.join(", ")}.`;
      throw this.invalid(`its codec is ${codec}`, undefined, hint);
    }
    this.unpack = unpack;
    const written = this.parse(library, schema);
    const given = options.schema === undefined ? written : givenType(library, options.schema);
    this.type = options.columns === undefined ? given : this.project(library, given, options.columns);
    if (this.type === written) return;
    try {
      this.resolver = this.type.createResolver(written);
    } catch (cause) {
      throw this.invalid(`its schema does not match: ${messageOf(cause)}`, cause);
    }
  }

  async *read({ at, count, body, bytes }: AvroBlock): AsyncGenerator<RecordBatch<T>> {
    const content = await this.unpacked(body, at);
    let next = 0;
    for (let done = 0; done < count; ) {
      const records: T[] = [];
      for (const last = Math.min(done + BATCH_RECORDS, count); done < last; done++) {
        const { value, offset } = this.decode(content, next, `record ${done + 1} of the block at byte ${at}`);
        records.push(value);
        next = offset;
      }
      if (done === count && next !== content.length) break;
      yield { records, bytes: done === count ? bytes : 0 };
    }
    if (next !== content.length)
      throw this.invalid(`the block at byte ${at} has more bytes than its ${count} records`);
  }

  private decode(content: Buffer, at: number, what: string): { value: T; offset: number } {
    let cause: unknown;
    try {
      const decoded = this.type.decode(content, at, this.resolver);
      if (decoded.offset >= 0) return decoded;
    } catch (error) {
      cause = error;
    }
    const why = cause === undefined ? "the block ends within it" : messageOf(cause);
    throw this.invalid(`${what} is damaged: ${why}`, cause);
  }

  private async unpacked(body: Buffer, at: number): Promise<Buffer> {
    try {
      return await this.unpack(body);
    } catch (cause) {
      throw this.invalid(`the block at byte ${at} is damaged: ${messageOf(cause)}`, cause);
    }
  }

  private parse(library: AvroLibrary, schema: string): Type {
    try {
      return typeOf(library, JSON.parse(schema));
    } catch (cause) {
      throw this.invalid(`its schema is none: ${messageOf(cause)}`, cause);
    }
  }

  private project(library: AvroLibrary, type: Type, columns: readonly string[]): Type {
    const names = fieldsOf(type);
    const missing = columns.filter((name) => names?.includes(name) !== true);
    if (missing.length === 0) return projected(library, type, columns);
    throw new MillraceError("FILE_FORMAT_INVALID", `${this.path} has no column ${missing.join(", ")}`, {
      hint: names === undefined ? "Its values are no records." : `Its columns are ${names.join(", ")}.`,
    });
  }

  private invalid(what: string, cause?: unknown, hint?: string): MillraceError {
    return new MillraceError("FILE_FORMAT_INVALID", `${this.path} is not a readable Avro file: ${what}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** Gathers records to blocks. */
class AvroEncoder<T> implements RecordEncoder<T> {
  readonly encoding = "latin1";
  private readonly type: Type;
  private readonly codec: AvroCodec;
  private readonly mark: Buffer;
  /** Until it was given out. */
  private header: Buffer | undefined;
  private readonly blockBytes: number;
  private block = Buffer.allocUnsafe(1024);
  private used = 0;
  private count = 0;

  constructor(type: Type, schema: string, codec: AvroCodec, blockBytes: number) {
    this.type = type;
    this.codec = codec;
    this.blockBytes = blockBytes;
    const random = seededRandom(freshSeed());
    this.mark = Buffer.alloc(MARK_BYTES);
    for (let i = 0; i < MARK_BYTES; i += 4) this.mark.writeUInt32LE(random.u32(), i);
    this.header = headerBytes({ schema, codec, mark: this.mark });
  }

  encode(record: T): string {
    let end = this.tryEncode(record);
    if (end < 0) {
      const larger = Buffer.allocUnsafe(this.block.length * 2 - end);
      this.block.copy(larger, 0, 0, this.used);
      this.block = larger;
      end = this.tryEncode(record);
    }
    this.used = end;
    this.count++;
    return this.used >= this.blockBytes ? this.end() : "";
  }

  end(): string {
    if (this.count === 0) return "";
    const content = this.block.subarray(0, this.used);
    const body = this.codec === "deflate" ? deflateRawSync(content) : content;
    const pieces = [this.header ?? Buffer.alloc(0), varint(this.count), varint(body.length), body, this.mark];
    this.header = undefined;
    this.used = 0;
    this.count = 0;
    return pieces.map((piece) => piece.toString("latin1")).join("");
  }

  /** Answers where the record ends; minus what is missing when there is no room. */
  private tryEncode(record: T): number {
    try {
      return this.type.encode(record, this.block, this.used);
    } catch (cause) {
      throw new MillraceError(
        "RECORD_INVALID",
        `avro: the record does not match the schema: ${messageOf(cause)}: ${printRecord(record)}`,
        { cause },
      );
    }
  }
}
