/**
 * Blobs as objects of a bucket, below a prefix. What is put is whole: an object appears when all of it has come, be it
 * in one request or in parts. `exclusive` is `If-None-Match: *`; that a server keeps to it is tried once.
 */
import { MillraceError } from "../../base/error.js";
import { inParallel } from "../../base/in-parallel.js";
import type { BlobStore, PutOptions, StoreLocation } from "../contract.js";
import { checkedFolder, checkedPath, isPath } from "../path.js";
import { blobMissing } from "../storage-error.js";
import { type BucketOptions, S3Bucket } from "./bucket.js";

/** Larger blobs are put, and read, in parts of this size. */
const PART_BYTES = 8 * 1024 * 1024;
/** Requests of one operation at once. */
const AT_ONCE = 4;
const REMOVALS_AT_ONCE = 8;

type S3Location = Extract<StoreLocation, { kind: "s3" }>;

export interface S3StoreOptions extends BucketOptions {
  /** Default 8 MiB; servers take 5 at least. */
  readonly partBytes?: number;
  /** Keys in one page of a list. */
  readonly pageSize?: number;
}

export class S3BlobStore implements BlobStore {
  readonly location: S3Location;
  readonly #bucket: S3Bucket;
  readonly #partBytes: number;
  readonly #pageSize: number;
  #isExclusive: Promise<void> | undefined;

  constructor(location: S3Location, options: S3StoreOptions = {}) {
    this.location = location;
    this.#bucket = new S3Bucket(location.server, location.bucket, options);
    this.#partBytes = options.partBytes ?? PART_BYTES;
    this.#pageSize = options.pageSize ?? 1000;
  }

  async put(path: string, chunks: readonly Uint8Array[], options: PutOptions = {}): Promise<void> {
    const key = this.#key(checkedPath(path));
    const body = Buffer.concat(chunks);
    if (options.exclusive) {
      await this.#bucket.putNew(key, body);
      await (this.#isExclusive ??= this.#tryExclusive(key, body));
    } else if (body.length <= this.#partBytes) await this.#bucket.put(key, body);
    else await this.#putInParts(key, body);
  }

  async get(path: string): Promise<Uint8Array> {
    const key = this.#key(checkedPath(path));
    const { bytes, size, etag } = await this.#bucket.getRange(key, 0, this.#partBytes);
    if (bytes.length >= size) return bytes;
    const whole = new Uint8Array(size);
    whole.set(bytes);
    const begins: number[] = [];
    for (let at = bytes.length; at < size; at += this.#partBytes) begins.push(at);
    await inParallel(begins, AT_ONCE, async (at) => {
      const part = await this.#bucket.getRange(key, at, Math.min(this.#partBytes, size - at), etag);
      whole.set(part.bytes, at);
    });
    return whole;
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    const key = this.#key(checkedPath(path));
    const { bytes, size } =
      length === 0
        ? { bytes: new Uint8Array(), size: (await this.#bucket.head(key)).size }
        : await this.#bucket.getRange(key, offset, length);
    if (offset + length > size) throw blobMissing(this.#bucket.placeOf(key), `has only ${size} bytes`);
    return bytes;
  }

  async list(folder: string): Promise<readonly string[]> {
    const paths: string[] = [];
    const begin = this.location.prefix === "" ? 0 : this.location.prefix.length + 1;
    for await (const page of this.#bucket.list(this.#prefix(checkedFolder(folder)), this.#pageSize)) {
      // Others may keep what is no blob there, such as marks of folders.
      for (const { key } of page) if (isPath(key.slice(begin))) paths.push(key.slice(begin));
    }
    return paths.sort();
  }

  async remove(path: string): Promise<void> {
    await this.#bucket.remove(this.#key(checkedPath(path)));
  }

  async removeFolder(folder: string): Promise<void> {
    const prefix = this.#prefix(checkedPath(folder));
    for await (const page of this.#bucket.list(prefix, this.#pageSize))
      await inParallel(page, REMOVALS_AT_ONCE, ({ key }) => this.#bucket.remove(key));
    await this.sweep(folder);
  }

  async sweep(folder: string): Promise<void> {
    for await (const { key, upload } of this.#bucket.uploads(this.#prefix(checkedPath(folder))))
      await this.#bucket.abortUpload(key, upload);
  }

  /**
   * A server that does not know the condition replaces what is there and says nothing. The same again must be refused;
   * where it is not, nothing has changed.
   */
  async #tryExclusive(key: string, body: Uint8Array): Promise<void> {
    const refused = await this.#bucket.putNew(key, body).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (MillraceError.is(refused) && refused.code === "BLOB_EXISTS") return;
    this.#isExclusive = undefined;
    if (refused !== undefined) throw refused;
    const server = `the server of s3://${this.#bucket.name}`;
    throw new MillraceError(
      "STORAGE_UNFIT",
      `${server} replaces what was to be put only where there is nothing`,
    );
  }

  async #putInParts(key: string, body: Uint8Array): Promise<void> {
    const upload = await this.#bucket.beginUpload(key);
    try {
      const numbers = Array.from({ length: Math.ceil(body.length / this.#partBytes) }, (_, i) => i + 1);
      const parts = await inParallel(numbers, AT_ONCE, (number) => {
        const end = number * this.#partBytes;
        return this.#bucket.uploadPart(key, upload, number, body.subarray(end - this.#partBytes, end));
      });
      // An upload that is gone was completed by a try whose answer was lost.
      if (!(await this.#bucket.completeUpload(key, upload, parts))) await this.#expectSize(key, body.length);
    } catch (error) {
      await this.#bucket.abortUpload(key, upload).catch(() => undefined);
      throw error;
    }
  }

  async #expectSize(key: string, bytes: number): Promise<void> {
    const { size } = await this.#bucket.head(key);
    if (size === bytes) return;
    throw new MillraceError(
      "STORAGE_FAILED",
      `the upload of ${this.#bucket.placeOf(key)} was ended by others`,
    );
  }

  #key(path: string): string {
    return this.location.prefix === "" ? path : `${this.location.prefix}/${path}`;
  }

  /** What the keys of a folder's blobs begin with. */
  #prefix(folder: string): string {
    const key = folder === "" ? this.location.prefix : this.#key(folder);
    return key === "" ? "" : `${key}/`;
  }
}
