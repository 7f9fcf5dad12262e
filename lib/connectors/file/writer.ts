import { dirname, join } from "node:path";
import { present } from "../../base/assert.js";
import { OPEN_BUCKETS_MAX } from "../../base/limits.js";
import { OpenFile } from "../../base/open-file.js";
import type { RecordEncoder, WriteFormat } from "../../formats/contract.js";
import type { SinkWriter, WriterContext } from "../../sink/contract.js";
import { type Bucket, checkBucket } from "./bucket.js";
import { makeBucket, makeFolder, syncFolder } from "./durable-folder.js";
import { type Part, partName } from "./part-name.js";
import { sinkError } from "./sink-error.js";
import { WriteQueue } from "./write-queue.js";

/** Characters gathered before they are written. */
const BUFFER_CHARS = 256 * 1024;
/** Bytes of one UTF-16 unit in UTF-8. */
const CHAR_BYTES_MAX = 3;

/** How a writer names and ends its parts. */
export interface WriterSettings<T> {
  readonly folder: string;
  readonly format: WriteFormat<T>;
  readonly append: boolean;
  readonly bucket: Bucket<T> | undefined;
  readonly partBytes: number;
  /** Ms; infinite: never. */
  readonly rolloverMs: number;
  readonly inactivityMs: number;
}

/** A part that records go into; its file is opened with the first text that is written. */
interface OpenPart<T> {
  readonly bucket: string;
  readonly names: Part;
  readonly encoder: RecordEncoder<T>;
  readonly openedAt: number;
  text: string;
  bytes: number;
  file: OpenFile | undefined;
  /** The count of records when its last one came, and what it was when the time was looked at last. */
  lastWrite: number;
  seenWrite: number;
  activeAt: number;
}

/**
 * One subtask's part files, one open part a bucket, written in the background in order.
 *
 * A part is *in progress* while records go into it, *pending* once it is whole, on the disk and named by
 * `prepareCommit`, *finished* when the committer has renamed it. Each `prepareCommit` ends all open parts:
 * so there is nothing to remember or to cut off when a checkpoint is restored.
 */
export class FileWriter<T> implements SinkWriter<T> {
  private readonly settings: WriterSettings<T>;
  private readonly context: WriterContext;
  private readonly queue: WriteQueue;
  private readonly looksAtTime: boolean;
  private readonly bufferChars: number;
  private readonly parts = new Map<string, OpenPart<T>>();
  private readonly files = new Set<OpenFile>();
  private last: OpenPart<T> | undefined;
  /** Parts that have ended since the last `prepareCommit`. */
  private ended: Part[] = [];
  private partCount = 0;
  private writes = 0;

  constructor(settings: WriterSettings<T>, context: WriterContext) {
    this.settings = settings;
    this.context = context;
    this.queue = new WriteQueue(settings.folder, context);
    this.looksAtTime = Number.isFinite(Math.min(settings.rolloverMs, settings.inactivityMs));
    this.bufferChars = Math.min(BUFFER_CHARS, settings.partBytes / CHAR_BYTES_MAX);
  }

  async open(): Promise<void> {
    try {
      await makeFolder(this.settings.folder);
    } catch (cause) {
      throw sinkError(cause, this.settings.folder);
    }
  }

  write(record: T, timestamp: number): void {
    const { bucket } = this.settings;
    const name = bucket === undefined ? "" : bucket(record, timestamp);
    const part = this.last !== undefined && this.last.bucket === name ? this.last : this.partIn(name);
    part.text += part.encoder.encode(record);
    part.lastWrite = ++this.writes;
    if (part.text.length >= this.bufferChars) this.pass(part);
  }

  /** Ends the parts whose time has come. Text is not hurried: it becomes visible only with its part. */
  flush(): void {
    if (!this.looksAtTime || this.parts.size === 0) return;
    const { rolloverMs, inactivityMs } = this.settings;
    const now = this.context.wallNow();
    for (const part of this.parts.values()) {
      if (part.lastWrite !== part.seenWrite) {
        part.seenWrite = part.lastWrite;
        part.activeAt = now;
      }
      if (now - part.openedAt >= rolloverMs || now - part.activeAt >= inactivityMs) this.end(part);
    }
  }

  async prepareCommit(): Promise<readonly { readonly hidden: string; readonly visible: string }[]> {
    for (const part of this.parts.values()) this.end(part);
    const named = this.ended;
    this.ended = [];
    const folders = new Set(named.map(({ hidden }) => dirname(hidden)));
    this.queue.add(0, async () => {
      for (const folder of folders) await syncFolder(join(this.settings.folder, folder));
    });
    await this.queue.settled();
    return named.map((part) => ({ ...part }));
  }

  async close(): Promise<void> {
    await this.queue.ended();
    for (const file of this.files) file.close();
    this.files.clear();
  }

  private partIn(bucket: string): OpenPart<T> {
    this.last = this.parts.get(bucket) ?? this.begin(bucket);
    return this.last;
  }

  private begin(bucket: string): OpenPart<T> {
    const { format, append } = this.settings;
    if (this.settings.bucket !== undefined) checkBucket(bucket);
    if (this.parts.size >= OPEN_BUCKETS_MAX) this.endOldest();
    const now = this.context.wallNow();
    const part: OpenPart<T> = {
      bucket,
      names: partName(this.context, this.partCount++, format.extension, append, bucket),
      encoder: format.createEncoder(),
      openedAt: now,
      text: "",
      bytes: 0,
      file: undefined,
      lastWrite: 0,
      seenWrite: 0,
      activeAt: now,
    };
    this.parts.set(bucket, part);
    return part;
  }

  /** Ends the part that has waited longest for a record. */
  private endOldest(): void {
    let oldest: OpenPart<T> | undefined;
    for (const part of this.parts.values()) {
      if (oldest === undefined || part.lastWrite < oldest.lastWrite) oldest = part;
    }
    if (oldest !== undefined) this.end(oldest);
  }

  /** Hands the text gathered to the file. */
  private pass(part: OpenPart<T>): void {
    if (part.text === "") return;
    const bytes = Buffer.from(part.text);
    part.text = "";
    part.bytes += bytes.length;
    this.queue.add(bytes.length, async () => {
      part.file ??= await this.openFile(part);
      await part.file.write([bytes]);
    });
    if (part.bytes >= this.settings.partBytes) this.end(part);
  }

  /** No more records: the part is made whole and kept for the next `prepareCommit`. */
  private end(part: OpenPart<T>): void {
    if (!this.parts.delete(part.bucket)) return;
    if (this.last === part) this.last = undefined;
    this.pass(part);
    if (part.bytes === 0) return;
    this.ended.push(part.names);
    this.queue.add(0, async () => {
      const file = present(part.file);
      await file.syncData();
      file.close();
      this.files.delete(file);
    });
  }

  private async openFile({ bucket, names }: OpenPart<T>): Promise<OpenFile> {
    const { folder } = this.settings;
    if (bucket !== "") await makeBucket(folder, bucket);
    const file = new OpenFile(join(folder, names.hidden), "wx");
    this.files.add(file);
    return file;
  }
}
