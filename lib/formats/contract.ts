/**
 * The format contract: bytes of files <-> records.
 *
 * Called by: connectors. May import: base. A format reads a part of a file in batches, so that reading can
 * overlap with the job's work; it never sees splits, subtasks or readers.
 */

/** How the bytes of a file are read that lies elsewhere than in the file system. */
export interface FileContent {
  /** In order, from `begin` to the file's end; `likelyEnd`: what lies behind it is hardly ever needed. */
  stream(begin: number, likelyEnd: number): AsyncIterable<Buffer>;
  /** These bytes, all of them. */
  slice(begin: number, end: number): Promise<Uint8Array>;
}

/** A file that a format reads. */
export interface FormatFile {
  readonly path: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Absent: the file system's. */
  readonly content?: FileContent;
}

/** A part of a file. */
export interface FilePart extends FormatFile {
  /** Where the part begins and ends: bytes, or rows for a format of blocks. */
  readonly begin: number;
  readonly end: number;
}

export interface RecordBatch<T> {
  readonly records: readonly T[];
  /** Bytes of the file that this batch stands for, for progress. */
  readonly bytes: number;
}

/** A part of a file that can be read by itself. */
export interface Block {
  readonly begin: number;
  readonly end: number;
  readonly bytes: number;
}

export interface ReadFormat<T> {
  readonly name: string;
  /** Part of plans and fingerprints; JSON. */
  readonly description: Readonly<Record<string, unknown>>;
  /** The file's blocks; absent where the format reads whole files, see `splitsAnywhere`. */
  readonly blocks?: (file: FormatFile) => Promise<readonly Block[]>;
  /**
   * An uncompressed file may be cut anywhere: a part begins with the first line, or whatever stands there between
   * marks, whose beginning lies behind `begin`, and looks at the byte before `begin` at most.
   */
  readonly splitsAnywhere: boolean;
  /** Throws FILE_FORMAT_INVALID, FILE_TRUNCATED naming file and line or row. */
  read(part: FilePart, signal: AbortSignal): AsyncIterable<RecordBatch<T>>;
}

export interface WriteFormat<T> {
  readonly name: string;
  readonly description: Readonly<Record<string, unknown>>;
  /** Ending of file names, without the dot. */
  readonly extension: string;
  /** Before the first encoder is made: fetches the library that encoders need. */
  readonly load?: () => Promise<void>;
  /** Makes one file's content; a new encoder for each file. */
  createEncoder(): RecordEncoder<T>;
}

export interface RecordEncoder<T> {
  /** Of what `encode` and `end` give: bytes, one a character. Absent: it is text. */
  readonly encoding?: "latin1";
  /** The record's text, with whatever has to come before it; or nothing yet. Throws RECORD_INVALID. */
  encode(record: T): string;
  /** What was held back, and what the file ends with; nothing if no record was encoded. */
  end?(): string;
}
