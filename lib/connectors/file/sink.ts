import { type Duration, durationMs } from "../../base/duration.js";
import { MillraceError } from "../../base/error.js";
import type { WriteFormat } from "../../formats/contract.js";
import type { SinkDefinition } from "../../sink/contract.js";
import { bucketIn, isS3 } from "../../storage/location.js";
import { type CommitterSettings, FileCommitter } from "./committer.js";
import type { WriterSettings } from "./part-writer.js";
import { S3Committer } from "./s3/committer.js";
import { S3Writer } from "./s3/writer.js";
import { FileWriter } from "./writer.js";

/** What `fileSink` takes. */
export interface FileSinkOptions<T> {
  /** Folder of the part files, made if missing; or `s3://bucket/prefix`: they become objects there. */
  readonly path: string;
  /** `jsonl()`, `csv()`, `text()` or `avro()`. */
  readonly format: WriteFormat<T>;
  /**
   * What to do with part files of earlier runs: `fail` (default) refuses, `replace` removes them when this run
   * commits for the first time (at its first checkpoint, or at its end), `append` adds to them.
   */
  readonly mode?: "fail" | "replace" | "append";
  /**
   * The sub-folder a record is written in, see `bucketByTime`; by default there are none. With buckets, the
   * sub-folders belong to the sink: `replace` removes part files in them too.
   */
  readonly bucket?: (record: T, timestamp: number) => string;
  /** A part file ends at this size, bytes. Default 128 MiB. */
  readonly partBytes?: number;
  /** A part file ends this long after its first record. Default: never. */
  readonly rolloverInterval?: Duration;
  /** A part file ends when it was given no record for this long. Default: never. */
  readonly inactivityInterval?: Duration;
}

const PART_BYTES = 128 * 1024 * 1024;

/**
 * Writes part files, `part-<subtask>-<number>.<extension>`; an attempt after the first puts its own number
 * in between, `append` the run's name before. A part is hidden (its name begins with a dot) until it is whole
 * and the job has promised not to write its records again: at a checkpoint, or at the job's end without
 * checkpoints. A failed or cancelled run leaves nothing visible that is not complete, and a visible file never
 * changes.
 *
 * Every checkpoint ends all open parts, whatever their size: with short intervals there are many files. The
 * intervals of the options end parts between checkpoints, when the sink has its turn; visible they are with
 * the next checkpoint.
 *
 * @example
 * hours.sink("hours", fileSink({ path: "out/hours", format: jsonl(), mode: "replace" }));
 *
 * In a bucket a part is an upload until the job has promised, and becomes an object then. Uploads that no checkpoint
 * names are aborted when the job goes on or ends; a run that died and is never resumed leaves them to the bucket's own
 * rules.
 *
 * Throws SINK_EXISTS, SINK_FAILED, SINK_DISK_FULL, SINK_DENIED, SINK_PART_LOST, SINK_BUCKET_INVALID,
 * OPTION_INVALID; BUCKET_MISSING, STORAGE_DENIED, STORAGE_FAILED.
 */
export function fileSink<T = unknown>(options: FileSinkOptions<T>): SinkDefinition<T> {
  const { path, format, mode = "fail", bucket, partBytes = PART_BYTES } = options;
  const hasBuckets = bucket !== undefined;
  const settings: WriterSettings<T> = {
    folder: path,
    format,
    append: mode === "append",
    bucket,
    partBytes: positive(partBytes, "partBytes"),
    rolloverMs: intervalMs(options.rolloverInterval, "rolloverInterval"),
    inactivityMs: intervalMs(options.inactivityInterval, "inactivityInterval"),
  };
  const place: CommitterSettings = { folder: path, mode, hasBuckets };
  const inBucket = isS3(path);
  if (inBucket) bucketIn(path);
  return {
    kind: "file",
    description: { path, format: format.name, mode, ...(hasBuckets ? { buckets: true } : {}) },
    createWriter: (context) =>
      inBucket ? new S3Writer<T>(settings, context) : new FileWriter<T>(settings, context),
    createCommitter: (context) =>
      inBucket ? new S3Committer(place, context) : new FileCommitter(place, context),
  };
}

function intervalMs(interval: Duration | undefined, what: string): number {
  return interval === undefined ? Number.POSITIVE_INFINITY : positive(durationMs(interval, what), what);
}

function positive(value: number, what: string): number {
  if (value > 0) return value;
  throw new MillraceError("OPTION_INVALID", `fileSink: ${what} is ${value}, which is not positive`);
}
