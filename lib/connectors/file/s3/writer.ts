import type { Committable, WriterContext } from "../../../sink/contract.js";
import { bucketIn, keyIn } from "../../../storage/location.js";
import type { S3Bucket, UploadedPart } from "../../../storage/s3/bucket.js";
import { type OpenPart, PartWriter, type WriterSettings } from "../part-writer.js";
import { bucketOf } from "./objects.js";
import type { PendingUpload } from "./upload.js";
import { UploadQueue } from "./upload-queue.js";

/** What is sent at once; servers take 5 MiB at least, and 10,000 parts at most. */
const SENT_BYTES = 8 * 1024 * 1024;
const SENDINGS_MAX = 9_000;
/** Bytes that all open parts of a writer gather: with many buckets, the largest ends early. */
const GATHERED_BYTES_MAX = 64 * 1024 * 1024;

/** An upload is begun with the first bytes that are sent. */
interface UploadPart<T> extends OpenPart<T> {
  gathered: Buffer[];
  gatheredBytes: number;
  upload: Promise<string> | undefined;
  readonly sent: Promise<UploadedPart>[];
}

/** Parts as uploads: all bytes are with the server when `prepareCommit` names them; the committer completes them. */
export class S3Writer<T> extends PartWriter<T, UploadPart<T>> {
  private readonly queue: UploadQueue;
  private readonly bucket: S3Bucket;
  private readonly prefix: string;
  private readonly sentBytes: number;
  /** Of all open parts. */
  private gatheredBytes = 0;
  /** Parts that have ended since the last `prepareCommit`. */
  private ended: Promise<PendingUpload>[] = [];

  constructor(settings: WriterSettings<T>, context: WriterContext) {
    super(settings, context);
    this.queue = new UploadQueue(settings.folder, context);
    this.bucket = bucketOf(settings.folder);
    this.prefix = bucketIn(settings.folder).path;
    this.sentBytes = Math.max(SENT_BYTES, Math.ceil(settings.partBytes / SENDINGS_MAX));
  }

  async open(): Promise<void> {
    await this.settings.format.load?.();
  }

  async prepareCommit(): Promise<readonly Committable[]> {
    this.endAll();
    const named = this.ended;
    this.ended = [];
    return (await Promise.all(named)).map((made) => ({ ...made }));
  }

  /** Uploads that nobody has named are aborted by the committer. */
  async close(): Promise<void> {
    this.queue.stop();
  }

  protected begin(part: OpenPart<T>): UploadPart<T> {
    return { ...part, gathered: [], gatheredBytes: 0, upload: undefined, sent: [] };
  }

  protected pass(part: UploadPart<T>, bytes: Buffer): void {
    part.gathered.push(bytes);
    part.gatheredBytes += bytes.length;
    this.gatheredBytes += bytes.length;
    if (part.gatheredBytes >= this.sentBytes) this.send(part);
    else if (this.gatheredBytes > GATHERED_BYTES_MAX) this.endLargest();
  }

  protected finishPart(part: UploadPart<T>): void {
    if (part.gatheredBytes > 0) this.send(part);
    const made = (async (): Promise<PendingUpload> => {
      const parts = await Promise.all(part.sent);
      return { visible: part.names.visible, upload: await part.upload!, parts, bytes: part.bytes };
    })();
    // Told to whoever asks for it with `prepareCommit`.
    made.catch(() => undefined);
    this.ended.push(made);
  }

  private send(part: UploadPart<T>): void {
    const body = Buffer.concat(part.gathered);
    this.gatheredBytes -= body.length;
    part.gathered = [];
    part.gatheredBytes = 0;
    const key = keyIn(this.prefix, part.names.visible);
    part.upload ??= this.queue.add(0, () => this.bucket.beginUpload(key));
    const { upload } = part;
    const number = part.sent.length + 1;
    part.sent.push(
      this.queue.add(body.length, async () => this.bucket.uploadPart(key, await upload, number, body)),
    );
  }

  private endLargest(): void {
    let largest: UploadPart<T> | undefined;
    for (const part of this.parts.values()) {
      if (largest === undefined || part.gatheredBytes > largest.gatheredBytes) largest = part;
    }
    if (largest !== undefined) this.end(largest);
  }
}
