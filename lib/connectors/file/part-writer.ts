import { OPEN_BUCKETS_MAX } from "../../base/limits.js";
import type { RecordEncoder, WriteFormat } from "../../formats/contract.js";
import type { Committable, SinkWriter, WriterContext } from "../../sink/contract.js";
import { type Bucket, checkBucket } from "./bucket.js";
import { type Part, partName } from "./part-name.js";

/** Characters gathered before they are passed on. */
const BUFFER_CHARS = 256 * 1024;
/** Bytes of one UTF-16 unit in UTF-8. */
const CHAR_BYTES_MAX = 3;

/** How a writer names and ends its parts. */
export interface WriterSettings<T> {
  /** A folder, or `s3://bucket/prefix`. */
  readonly folder: string;
  readonly format: WriteFormat<T>;
  readonly append: boolean;
  readonly bucket: Bucket<T> | undefined;
  readonly partBytes: number;
  /** Ms; infinite: never. */
  readonly rolloverMs: number;
  readonly inactivityMs: number;
}

/** A part that records go into. */
export interface OpenPart<T> {
  readonly bucket: string;
  readonly names: Part;
  readonly encoder: RecordEncoder<T>;
  readonly openedAt: number;
  text: string;
  bytes: number;
  /** The count of records when its last one came, and what it was when the time was looked at last. */
  lastWrite: number;
  seenWrite: number;
  activeAt: number;
}

/**
 * One subtask's parts, one open part a bucket; what becomes of their bytes is up to who extends this.
 *
 * A part is *in progress* while records go into it, *pending* once it is whole, durable and named by `prepareCommit`,
 * *finished* when the committer has made it visible. Each `prepareCommit` ends all open parts: so there is nothing to
 * remember or to cut off when a checkpoint is restored.
 */
export abstract class PartWriter<T, P extends OpenPart<T>> implements SinkWriter<T> {
  protected readonly settings: WriterSettings<T>;
  protected readonly context: WriterContext;
  protected readonly parts = new Map<string, P>();
  private readonly looksAtTime: boolean;
  private readonly bufferChars: number;
  private last: P | undefined;
  private partCount = 0;
  private writes = 0;

  constructor(settings: WriterSettings<T>, context: WriterContext) {
    this.settings = settings;
    this.context = context;
    this.looksAtTime = Number.isFinite(Math.min(settings.rolloverMs, settings.inactivityMs));
    this.bufferChars = Math.min(BUFFER_CHARS, settings.partBytes / CHAR_BYTES_MAX);
  }

  abstract open(): Promise<void>;
  abstract prepareCommit(): Promise<readonly Committable[]>;
  abstract close(aborted: boolean): Promise<void>;

  write(record: T, timestamp: number): void {
    const { bucket } = this.settings;
    const name = bucket === undefined ? "" : bucket(record, timestamp);
    const part = this.last !== undefined && this.last.bucket === name ? this.last : this.partIn(name);
    part.text += part.encoder.encode(record);
    part.lastWrite = ++this.writes;
    if (part.text.length >= this.bufferChars) this.passText(part);
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

  /** The part with what its bytes need besides. */
  protected abstract begin(part: OpenPart<T>): P;
  /** The next bytes of a part; they are counted in it. */
  protected abstract pass(part: P, bytes: Buffer): void;
  /** No more bytes: the part, which has some, is made whole and kept for the next `prepareCommit`. */
  protected abstract finishPart(part: P): void;

  protected endAll(): void {
    for (const part of this.parts.values()) this.end(part);
  }

  protected end(part: P): void {
    if (!this.parts.delete(part.bucket)) return;
    if (this.last === part) this.last = undefined;
    part.text += part.encoder.end?.() ?? "";
    this.passText(part);
    if (part.bytes > 0) this.finishPart(part);
  }

  private partIn(bucket: string): P {
    this.last = this.parts.get(bucket) ?? this.beginIn(bucket);
    return this.last;
  }

  private beginIn(bucket: string): P {
    const { format, append } = this.settings;
    if (this.settings.bucket !== undefined) checkBucket(bucket);
    if (this.parts.size >= OPEN_BUCKETS_MAX) this.endOldest();
    const now = this.context.wallNow();
    const part = this.begin({
      bucket,
      names: partName(this.context, this.partCount++, format.extension, append, bucket),
      encoder: format.createEncoder(),
      openedAt: now,
      text: "",
      bytes: 0,
      lastWrite: 0,
      seenWrite: 0,
      activeAt: now,
    });
    this.parts.set(bucket, part);
    return part;
  }

  /** Ends the part that has waited longest for a record. */
  private endOldest(): void {
    let oldest: P | undefined;
    for (const part of this.parts.values()) {
      if (oldest === undefined || part.lastWrite < oldest.lastWrite) oldest = part;
    }
    if (oldest !== undefined) this.end(oldest);
  }

  private passText(part: P): void {
    if (part.text === "") return;
    const bytes = Buffer.from(part.text, part.encoder.encoding ?? "utf8");
    part.text = "";
    part.bytes += bytes.length;
    this.pass(part, bytes);
    if (part.bytes >= this.settings.partBytes) this.end(part);
  }
}
