import { type Duration, durationMs } from "../../base/duration.js";
import { MillraceError } from "../../base/error.js";
import type { ReadFormat } from "../../formats/contract.js";
import { type Batch, BatchReader } from "../../source/batch-reader.js";
import type { SourceDefinition } from "../../source/contract.js";
import { isS3 } from "../../storage/location.js";
import { FileEnumerator } from "./enumerator.js";
import { MonitoringEnumerator, type MonitoringOptions } from "./monitoring-enumerator.js";
import { S3Reader } from "./s3/reader.js";
import type { FileSplit, FilesToRead } from "./split.js";

/** What `fileSource` takes. */
export interface FileSourceOptions<T> {
  /**
   * A file, a folder (all files below it) or a glob, relative to the working directory; or the same in a bucket of an
   * S3 server: `s3://bucket/prefix`, `s3://bucket/logs/*.jsonl`.
   */
  readonly path: string;
  /** `text()`, `csv()`, `jsonl()`, `parquet()` or `avro()`. Files ending in .gz, .zst or .lz4 are unpacked. */
  readonly format: ReadFormat<T>;
  /** Largest part of a file of lines, or of Avro, that one reader takes at once, bytes. Default 32 MiB. */
  readonly splitBytes?: number;
  /** Goes on looking for files when those that are there are read: the source never ends. */
  readonly monitor?: MonitorOptions;
}

/** How a folder is watched for new files. */
export interface MonitorOptions {
  /** From the end of one look to the next; default "10s". */
  readonly interval?: Duration;
  /**
   * A file is read when it was not written to for so long: writers take their time. Default "1s". Better is to write
   * under a name that begins with '.' or '_', or elsewhere, and to rename the file when it is whole.
   */
  readonly quiet?: Duration;
  /**
   * Files older than the newest one by more than this are not read any more, and not remembered. By default every file
   * is read that comes, however old, and checkpoints hold the names of all that are there.
   */
  readonly forget?: Duration;
}

const SPLIT_BYTES = 32 * 1024 * 1024;
const INTERVAL = "10s";
const QUIET = "1s";

/**
 * Reads files once, in parallel: Parquet by row group, lines and Avro by byte range, others file by file,
 * in the order of their names. With `monitor` files that come later are read, too, in the order in which they were
 * written; a file is read once, what is written to it later is not.
 *
 * @example
 * env.source("flights", fileSource({ path: "data/*.parquet", format: parquet<Flight>() }));
 * env.source("orders", fileSource({ path: "inbox", format: jsonl<Order>(), monitor: { interval: "5s" } }));
 *
 * Objects of a bucket are read by range, several ranges at a time, and ahead of what the job has taken.
 *
 * Throws FILE_NOT_FOUND, FILE_GLOB_EMPTY, FILE_FORMAT_INVALID, FILE_TRUNCATED, OPTION_INVALID; BUCKET_MISSING,
 * STORAGE_DENIED, STORAGE_FAILED; SPLIT_CHANGED when a job goes on from a checkpoint and a file has lost records that
 * were read before, or when an object was replaced or removed since it was found.
 */
export function fileSource<T>(options: FileSourceOptions<T>): SourceDefinition<T, FileSplit> {
  const { path, format, splitBytes = SPLIT_BYTES, monitor } = options;
  const files: FilesToRead = { path, format, splitBytes };
  const monitoring = monitor === undefined ? undefined : monitoringOf(monitor);
  return {
    kind: "file",
    boundedness: monitoring === undefined ? "bounded" : "unbounded",
    replayable: true,
    description: {
      path,
      format: format.name,
      ...format.description,
      ...(monitoring === undefined ? {} : { monitor }),
    },
    createEnumerator: (context) =>
      monitoring === undefined
        ? new FileEnumerator(files, context.restored)
        : new MonitoringEnumerator(files, monitoring, context),
    createReader: (context) => {
      const read = (split: FileSplit, signal: AbortSignal) => readBatches(format, split, signal);
      return isS3(path)
        ? new S3Reader(context, path, format, read)
        : new BatchReader<T, FileSplit>(context, read);
    },
  };
}

function monitoringOf({ interval = INTERVAL, quiet = QUIET, forget }: MonitorOptions): MonitoringOptions {
  const from = (value: Duration, name: string, least: number) => {
    const ms = durationMs(value, `monitor.${name}`);
    if (ms >= least) return ms;
    throw new MillraceError(
      "OPTION_INVALID",
      `fileSource: monitor.${name} is ${value}, less than ${least} ms`,
    );
  };
  return {
    intervalMs: from(interval, "interval", 1),
    quietMs: from(quiet, "quiet", 0),
    forgetMs: forget === undefined ? Number.POSITIVE_INFINITY : from(forget, "forget", 0),
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
