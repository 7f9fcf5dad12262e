import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { MillraceError, messageOf } from "../base/error.js";
import { OpenFile } from "../base/open-file.js";
import type { Block, FilePart, FormatFile, ReadFormat, RecordBatch } from "./contract.js";
import { fileError } from "./file-bytes.js";

/** What `parquet` takes. */
export interface ParquetOptions {
  /** Columns to read; all unless given. */
  readonly columns?: readonly string[];
}

const BATCH_RECORDS = 2048;
const MAGIC = "PAR1";

/**
 * Apache Parquet, read only; row groups are read in parallel. Timestamps become Dates (without a zone they
 * count as UTC); 64-bit integers become numbers where they fit, bigints otherwise.
 *
 * @example
 * env.source("flights", fileSource({ path: "data/*.parquet", format: parquet<Flight>() }));
 */
export function parquet<T = Record<string, unknown>>(options: ParquetOptions = {}): ReadFormat<T> {
  return {
    name: "parquet",
    description: { columns: options.columns ?? "all" },
    splitsAnywhere: false,
    blocks: (given) => withFile(given, async (file) => blocksOf(await metadataOf(file, given.path))),
    read: (part) => readRows<T>(part, options),
  };
}

function blocksOf(metadata: FileMetaData): Block[] {
  let begin = 0;
  return metadata.row_groups.map((group) => {
    const end = begin + Number(group.num_rows);
    const block = { begin, end, bytes: Number(group.total_compressed_size ?? group.total_byte_size) };
    begin = end;
    return block;
  });
}

async function* readRows<T>(part: FilePart, options: ParquetOptions): AsyncGenerator<RecordBatch<T>> {
  const { path, begin, end } = part;
  const { columns, blocks } = await withFile(part, async (file) => {
    const metadata = await metadataOf(file, path);
    const wanted = options.columns ?? namesOf(metadata);
    const missing = wanted.filter((name) => !namesOf(metadata).includes(name));
    if (missing.length > 0) {
      throw new MillraceError("FILE_FORMAT_INVALID", `${path} has no column ${missing.join(", ")}`, {
        hint: `Its columns are ${namesOf(metadata).join(", ")}.`,
      });
    }
    return { columns: await readColumns(file, metadata, wanted, part), blocks: blocksOf(metadata) };
  });
  const row = rowFunction<T>(columns);
  const bytes = blocks
    .filter((block) => block.begin >= begin && block.end <= end)
    .reduce((sum, block) => sum + block.bytes, 0);
  const rows = end - begin;
  for (let at = 0; at < rows; at += BATCH_RECORDS) {
    const last = Math.min(at + BATCH_RECORDS, rows);
    const records: T[] = [];
    for (let i = at; i < last; i++) records.push(row(i));
    yield { records, bytes: Math.floor((bytes * last) / rows) - Math.floor((bytes * at) / rows) };
  }
}

interface ColumnValues {
  readonly name: string;
  readonly values: ArrayLike<unknown>;
}

async function readColumns(
  file: AsyncBuffer,
  metadata: FileMetaData,
  names: readonly string[],
  { path, begin, end }: FilePart,
): Promise<ColumnValues[]> {
  const found = new Map<string, unknown[]>();
  // Every thread of every job imports this file; few read Parquet.
  const [{ parquetRead }, { compressors }] = await Promise.all([
    import("hyparquet"),
    import("hyparquet-compressors"),
  ]);
  try {
    await parquetRead({
      file,
      metadata,
      compressors,
      columns: [...names],
      rowStart: begin,
      rowEnd: end,
      onChunk: ({ columnName, columnData, rowStart }) => {
        const values = Array.isArray(columnData) ? columnData : Array.from(columnData as ArrayLike<unknown>);
        const part = values.slice(Math.max(0, begin - rowStart), end - rowStart);
        const before = found.get(columnName);
        found.set(columnName, before === undefined ? part : before.concat(part));
      },
    });
  } catch (cause) {
    if (MillraceError.is(cause)) throw cause;
    throw invalid(path, `rows ${begin} to ${end} are damaged: ${messageOf(cause)}`, cause);
  }
  return names.map((name) => {
    const values = found.get(name);
    if (values?.length !== end - begin) throw invalid(path, `column ${name} has not ${end - begin} rows`);
    return { name, values: numbers(values) };
  });
}

/** Bigints as numbers where they fit. */
function numbers(values: unknown[]): unknown[] {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "bigint") continue;
    const number = Number(value);
    if (Number.isSafeInteger(number)) values[i] = number;
  }
  return values;
}

/** Records as literals, so that they all have one hidden class. */
function rowFunction<T>(columns: readonly ColumnValues[]): (i: number) => T {
  const fields = columns.map(({ name }, i) => `${JSON.stringify(name)}: c${i}[i]`);
  const names = columns.map((_, i) => `c${i}`);
  const make = new Function(...names, `return (i) => ({ ${fields.join(", ")} });`);
  return make(...columns.map(({ values }) => values)) as (i: number) => T;
}

function namesOf(metadata: FileMetaData): string[] {
  const [root] = metadata.schema;
  const names: string[] = [];
  for (let i = 1; names.length < (root?.num_children ?? 0); i = nextSibling(metadata, i))
    names.push(metadata.schema[i]!.name);
  return names;
}

function nextSibling(metadata: FileMetaData, at: number): number {
  let next = at + 1;
  for (let children = metadata.schema[at]?.num_children ?? 0; children > 0; children--)
    next = nextSibling(metadata, next);
  return next;
}

async function metadataOf(file: AsyncBuffer, path: string): Promise<FileMetaData> {
  const tag = async (at: number) => Buffer.from(await file.slice(at, at + 4)).toString("latin1");
  if (file.byteLength < 12 || (await tag(0)) !== MAGIC) throw invalid(path, "it does not begin with PAR1");
  if ((await tag(file.byteLength - 4)) !== MAGIC) {
    throw new MillraceError("FILE_TRUNCATED", `${path}: the Parquet file has no footer`);
  }
  const { parquetMetadataAsync } = await import("hyparquet");
  try {
    return await parquetMetadataAsync(file);
  } catch (cause) {
    if (MillraceError.is(cause)) throw cause;
    throw invalid(path, `its footer is damaged: ${messageOf(cause)}`, cause);
  }
}

function invalid(path: string, what: string, cause?: unknown): MillraceError {
  return new MillraceError("FILE_FORMAT_INVALID", `${path} is not a readable Parquet file: ${what}`, {
    cause,
  });
}

async function withFile<R>(
  { path, size, content }: FormatFile,
  use: (file: AsyncBuffer) => Promise<R>,
): Promise<R> {
  let opened: OpenFile | undefined;
  try {
    if (content !== undefined) {
      const slice = async (start: number, end = size) => bufferOf(await content.slice(start, end));
      return await use({ byteLength: size, slice });
    }
    const file = new OpenFile(path);
    opened = file;
    return await use({
      byteLength: size,
      async slice(start, end = size) {
        const bytes = Buffer.from(new ArrayBuffer(end - start));
        const bytesRead = await file.read(bytes, 0, bytes.length, start);
        if (bytesRead < bytes.length)
          throw new MillraceError("FILE_TRUNCATED", `${path} ends at ${start + bytesRead}`);
        return bytes.buffer as ArrayBuffer;
      },
    });
  } catch (error) {
    throw fileError(error, path);
  } finally {
    opened?.close();
  }
}

/** The buffer that holds these bytes and nothing else. */
function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}
