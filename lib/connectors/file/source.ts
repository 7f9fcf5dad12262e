import type { FilePart, ReadFormat } from "../../formats/contract.js";
import { isPacked } from "../../formats/file-bytes.js";
import { type Batch, BatchReader, type CountedSplit } from "../../source/batch-reader.js";
import type { SourceDefinition, SplitEnumerator } from "../../source/contract.js";
import { type FoundFile, findFiles } from "./find-files.js";

/** What `fileSource` takes. */
export interface FileSourceOptions<T> {
  /** A file, a folder (all files below it) or a glob; relative to the working directory. */
  readonly path: string;
  /** `text()`, `csv()`, `jsonl()` or `parquet()`. Files ending in .gz are unpacked. */
  readonly format: ReadFormat<T>;
  /** Largest part of a file of lines that one reader takes at once, bytes. Default 32 MiB. */
  readonly splitBytes?: number;
}

/** A part of a file. */
export interface FileSplit extends FilePart, CountedSplit {
  readonly bytes: number;
}

const SPLIT_BYTES = 32 * 1024 * 1024;

/**
 * Reads files once, in parallel: Parquet by row group, lines by byte range, others file by file, in the
 * order of their names.
 *
 * @example
 * env.source("flights", fileSource({ path: "data/*.parquet", format: parquet<Flight>() }));
 *
 * Throws FILE_NOT_FOUND, FILE_GLOB_EMPTY, FILE_FORMAT_INVALID, FILE_TRUNCATED; SPLIT_CHANGED when a job goes on
 * from a checkpoint and a file has lost records that were read before.
 */
export function fileSource<T>(options: FileSourceOptions<T>): SourceDefinition<T, FileSplit> {
  const { path, format, splitBytes = SPLIT_BYTES } = options;
  return {
    kind: "file",
    boundedness: "bounded",
    replayable: true,
    description: { path, format: format.name, ...format.description },
    createEnumerator: ({ restored }) => new FileEnumerator(path, format, splitBytes, restored),
    createReader: (context) =>
      new BatchReader<T, FileSplit>(context, (split, signal) => readBatches(format, split, signal)),
  };
}

async function* readBatches<T>(
  format: ReadFormat<T>,
  split: FileSplit,
  signal: AbortSignal,
): AsyncGenerator<Batch<T>> {
  let rest = split.bytes;
  for await (const { records, bytes } of format.read(split, signal)) {
    const work = Math.min(bytes, rest);
    rest -= work;
    yield { records, work };
  }
  if (rest > 0) yield { records: [], work: rest };
}

/** Where a file source ends: what a source begins with that goes on behind it (see `hybridSource`). */
export interface FileEnd {
  /** The last file, by name. */
  readonly path: string;
  /** When the newest of the files was written to, ms. */
  readonly modified: number;
}

/** What goes into a checkpoint: files are looked for once, so those that come later are not read. */
interface Remaining {
  readonly remaining: readonly FileSplit[];
  readonly total: number;
  /** Older checkpoints have none. */
  readonly end?: FileEnd;
}

class FileEnumerator implements SplitEnumerator<FileSplit> {
  total: number | undefined;
  private readonly path: string;
  private readonly format: ReadFormat<unknown>;
  private readonly splitBytes: number;
  /** Not given out yet; undefined until files were looked for. */
  private splits: FileSplit[] | undefined;
  private end: FileEnd | undefined;

  constructor(path: string, format: ReadFormat<unknown>, splitBytes: number, restored: unknown) {
    this.path = path;
    this.format = format;
    this.splitBytes = splitBytes;
    if (restored === undefined) return;
    const { remaining, total, end } = restored as Remaining;
    this.splits = [...remaining];
    this.total = total;
    this.end = end;
  }

  async start(): Promise<void> {
    if (this.splits !== undefined) return;
    const splits: FileSplit[] = [];
    const files = await findFiles(this.path);
    for (const file of files) splits.push(...(await this.cut(file)));
    this.end = { path: files.at(-1)!.path, modified: Math.max(...files.map(({ modified }) => modified)) };
    this.total = splits.reduce((sum, { bytes }) => sum + bytes, 0);
    this.splits = splits;
  }

  request(): readonly FileSplit[] | undefined {
    const split = this.splits?.shift();
    return split === undefined ? undefined : [split];
  }

  addSplitsBack(splits: readonly FileSplit[]): void {
    this.splits?.unshift(...splits);
  }

  /** Before `start()` has ended nothing is known: undefined, so that a restored one starts like a new one. */
  snapshot(): Remaining | undefined {
    if (this.splits === undefined || this.total === undefined) return undefined;
    const { splits, total, end } = this;
    return { remaining: [...splits], total, ...(end === undefined ? {} : { end }) };
  }

  endPosition(): FileEnd | undefined {
    return this.end;
  }

  async close(): Promise<void> {}

  private async cut({ path, size }: FoundFile): Promise<FileSplit[]> {
    const split = (begin: number, end: number, bytes: number): FileSplit => {
      return { id: `${path}:${begin}`, path, size, begin, end, bytes };
    };
    if (this.format.blocks !== undefined) {
      const blocks = await this.format.blocks(path, size);
      return blocks.map(({ begin, end, bytes }) => split(begin, end, bytes));
    }
    if (!this.format.splitsAtLines || isPacked(path)) return [split(0, size, size)];
    const splits: FileSplit[] = [];
    for (let begin = 0; begin < size; begin += this.splitBytes) {
      const end = Math.min(begin + this.splitBytes, size);
      splits.push(split(begin, end, end - begin));
    }
    return splits;
  }
}
