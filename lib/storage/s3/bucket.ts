/**
 * One bucket of a server that speaks S3: the requests that stores, sources and sinks are made of. Each is made again
 * while it may pass (retry.ts), and ends in an answer or a coded error that names bucket and key.
 *
 * Called by: store.ts, connectors/s3. Keys are whole, nothing is added to them.
 */
import type { Readable } from "node:stream";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { MillraceError } from "../../base/error.js";
import { freshSeed, seededRandom } from "../../base/random.js";
import type { S3Server } from "../contract.js";
import { blobExists } from "../storage-error.js";
import { type Connection, connect } from "./client.js";
import { RETRY, type RetryPolicy, withRetries } from "./retry.js";
import { CutAnswer, isBeyondEnd, isPrecondition, isServersFault, isUploadGone } from "./s3-error.js";

/** An object, as it is found in a bucket. */
export interface FoundObject {
  readonly key: string;
  readonly size: number;
  /** Of its content: another one when the object is replaced. */
  readonly etag: string;
  /** When it was put, ms. */
  readonly modified: number;
}

export interface KnownObject extends FoundObject {
  /** The tag is the content's MD5, or that of its parts' MD5s: not with every kind of encryption. */
  readonly isHash: boolean;
}

/** What a range was read from. */
export interface RangeAnswer {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** Of the whole object. */
  readonly size: number;
}

/** A part of an upload that was taken. Parts are numbered from 1. */
export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
}

export interface BucketOptions {
  readonly retry?: RetryPolicy;
  /** Of the client, besides what the server says. */
  readonly client?: S3ClientConfig;
}

/** Tells whose object it is when an answer was lost. */
const TOKEN = "millrace-token";

const random = seededRandom(freshSeed());

export class S3Bucket {
  readonly name: string;
  readonly #server: S3Server;
  readonly #options: BucketOptions;

  constructor(server: S3Server, name: string, options: BucketOptions = {}) {
    this.name = name;
    this.#server = server;
    this.#options = options;
  }

  placeOf(key: string): string {
    return `s3://${this.name}/${key}`;
  }

  /** Loads what the first request would wait for: for those who will make requests, which takes a thread 250 ms. */
  warm(): void {
    // Whatever is wrong is told to the first request.
    this.#connect().catch(() => undefined);
  }

  /** Puts an object, or replaces it. */
  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#request("write", key, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.PutObjectCommand({ ...this.#at(key), Body: body }), { abortSignal }),
    );
  }

  /**
   * Puts an object where there is none; BLOB_EXISTS otherwise. It carries a token, so that a try whose answer was lost
   * is not taken for somebody else's.
   */
  async putNew(key: string, body: Uint8Array): Promise<void> {
    const token = Array.from({ length: 4 }, () => random.u32().toString(36)).join("");
    await this.#request("write", key, async ({ sdk, client }, abortSignal) => {
      const object = { ...this.#at(key), Body: body, IfNoneMatch: "*", Metadata: { [TOKEN]: token } };
      try {
        await client.send(new sdk.PutObjectCommand(object), { abortSignal });
      } catch (error) {
        if (!isPrecondition(error)) throw error;
        const { Metadata } = await client.send(new sdk.HeadObjectCommand(this.#at(key)), { abortSignal });
        if (Metadata?.[TOKEN] !== token) throw blobExists(this.placeOf(key));
      }
    });
  }

  /**
   * From a byte on; fewer bytes at the object's end, none behind it. With `etag`: of that content, else BLOB_CHANGED.
   * BLOB_MISSING without the object.
   */
  async getRange(key: string, offset: number, length: number, etag?: string): Promise<RangeAnswer> {
    const found = await this.#request("read", key, async ({ sdk, client }, abortSignal) => {
      const range = { ...this.#at(key), Range: `bytes=${offset}-${offset + length - 1}` };
      const wanted = etag === undefined ? range : { ...range, IfMatch: etag };
      try {
        const answer = await client.send(new sdk.GetObjectCommand(wanted), { abortSignal });
        const bytes = await bytesOf(answer.Body as Readable, answer.ContentLength, abortSignal);
        const size = Number(answer.ContentRange?.split("/")[1] ?? bytes.length);
        return { bytes, etag: answer.ETag ?? "", size };
      } catch (error) {
        if (isPrecondition(error)) throw this.#replaced(key, error);
        if (!isBeyondEnd(error)) throw error;
        return undefined;
      }
    });
    if (found !== undefined) return found;
    const { size, etag: now } = await this.head(key);
    if (etag !== undefined && now !== etag) throw this.#replaced(key);
    return { bytes: new Uint8Array(), etag: now, size };
  }

  /** BLOB_MISSING without the object, and without the bucket: the answer does not say which. */
  async head(key: string): Promise<KnownObject> {
    const answer = await this.#request("read", key, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.HeadObjectCommand(this.#at(key)), { abortSignal }),
    );
    const { ContentLength: size = 0, ETag: etag = "", ServerSideEncryption, SSECustomerAlgorithm } = answer;
    const isHash = !/kms/.test(ServerSideEncryption ?? "") && SSECustomerAlgorithm === undefined;
    return { key, size, etag, modified: Number(answer.LastModified ?? 0), isHash };
  }

  /** All objects whose key begins with `prefix`, in pages. */
  async *list(prefix: string, pageSize = 1000): AsyncGenerator<readonly FoundObject[]> {
    for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
      const answer = await this.#request("list", prefix, ({ sdk, client }, abortSignal) => {
        const page = { Bucket: this.name, Prefix: prefix, MaxKeys: pageSize, ContinuationToken: token };
        return client.send(new sdk.ListObjectsV2Command(page), { abortSignal });
      });
      yield (answer.Contents ?? []).map(({ Key = "", Size = 0, ETag = "", LastModified }) => {
        return { key: Key, size: Size, etag: ETag, modified: Number(LastModified ?? 0) };
      });
      token = answer.IsTruncated === true ? answer.NextContinuationToken : undefined;
    }
  }

  /** Removing what is not there is no error. */
  async remove(key: string): Promise<void> {
    await this.#request("remove", key, ({ sdk, client }, abortSignal) =>
      client.send(new sdk.DeleteObjectCommand(this.#at(key)), { abortSignal }),
    );
  }

  /**
   * Begins an upload in parts; nobody sees the object before it is completed. Answers its id. An upload of this key
   * that an earlier try has begun without learning of it is aborted: one key has one upload at a time.
   */
  async beginUpload(key: string): Promise<string> {
    let tries = 0;
    const { UploadId } = await this.#request("write", key, ({ sdk, client }, abortSignal) => {
      tries++;
      return client.send(new sdk.CreateMultipartUploadCommand(this.#at(key)), { abortSignal });
    });
    if (UploadId === undefined) {
      throw new MillraceError("STORAGE_FAILED", `the upload of ${this.placeOf(key)} was given no id`);
    }
    if (tries > 1) await this.#abortOthers(key, UploadId);
    return UploadId;
  }

  async #abortOthers(key: string, mine: string): Promise<void> {
    for await (const each of this.uploads(key)) {
      if (each.key === key && each.upload !== mine) await this.abortUpload(key, each.upload);
    }
  }

  /** Replaces the part of that number. Every part but the last has at least 5 MiB. */
  async uploadPart(key: string, upload: string, number: number, body: Uint8Array): Promise<UploadedPart> {
    const { ETag } = await this.#request("write", key, ({ sdk, client }, abortSignal) => {
      const part = { ...this.#at(key), UploadId: upload, PartNumber: number, Body: body };
      return client.send(new sdk.UploadPartCommand(part), { abortSignal });
    });
    return { number, etag: ETag ?? "" };
  }

  /**
   * The object appears, made of these parts. Answers false where the upload is not there: it may have been completed
   * by an earlier try, or aborted.
   */
  async completeUpload(key: string, upload: string, parts: readonly UploadedPart[]): Promise<boolean> {
    const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
    const whole = { ...this.#at(key), UploadId: upload, MultipartUpload: { Parts } };
    return this.#request("write", key, async ({ sdk, client }, abortSignal) => {
      try {
        await client.send(new sdk.CompleteMultipartUploadCommand(whole), { abortSignal });
        return true;
      } catch (error) {
        // Some servers say of an upload that is gone only that something is wrong with them.
        const isGone = isUploadGone(error) || (isServersFault(error) && !(await this.hasUpload(key, upload)));
        if (isGone) return false;
        throw error;
      }
    });
  }

  /** Whether an upload was begun, and neither completed nor aborted. */
  hasUpload(key: string, upload: string): Promise<boolean> {
    return this.#request("read", key, async ({ sdk, client }, abortSignal) => {
      try {
        const upTo = { ...this.#at(key), UploadId: upload, MaxParts: 1 };
        await client.send(new sdk.ListPartsCommand(upTo), { abortSignal });
        return true;
      } catch (error) {
        if (!isUploadGone(error)) throw error;
        return false;
      }
    });
  }

  /** Aborting what is gone is no error. */
  async abortUpload(key: string, upload: string): Promise<void> {
    await this.#request("remove", key, async ({ sdk, client }, abortSignal) => {
      try {
        await client.send(new sdk.AbortMultipartUploadCommand({ ...this.#at(key), UploadId: upload }), {
          abortSignal,
        });
      } catch (error) {
        if (!isUploadGone(error)) throw error;
      }
    });
  }

  /** Uploads below a prefix that were neither completed nor aborted. */
  async *uploads(prefix: string): AsyncGenerator<{ readonly key: string; readonly upload: string }> {
    let next: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
    while (next !== undefined) {
      const markers: object = next;
      const answer = await this.#request("list", prefix, ({ sdk, client }, abortSignal) => {
        const page = { Bucket: this.name, Prefix: prefix, ...markers };
        return client.send(new sdk.ListMultipartUploadsCommand(page), { abortSignal });
      });
      for (const { Key, UploadId } of answer.Uploads ?? [])
        if (Key !== undefined && UploadId !== undefined) yield { key: Key, upload: UploadId };
      const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = answer;
      next =
        IsTruncated === true ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker } : undefined;
    }
  }

  #replaced(key: string, cause?: unknown): MillraceError {
    return new MillraceError("BLOB_CHANGED", `${this.placeOf(key)} was replaced meanwhile`, { cause });
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.name, Key: key };
  }

  #connect(): Promise<Connection> {
    return connect(this.#server, this.#options.client);
  }

  #request<T>(
    what: string,
    key: string,
    request: (connection: Connection, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { retry = RETRY } = this.#options;
    return withRetries(what, this.placeOf(key), retry, async (signal) =>
      request(await this.#connect(), signal),
    );
  }
}

/** An answer's body, which must have as many bytes as it said. */
async function bytesOf(
  body: Readable,
  expected: number | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stop = () => body.destroy(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const chunks: Buffer[] = [];
    let received = 0;
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      received += (chunk as Buffer).length;
    }
    if (expected !== undefined && received !== expected) throw new CutAnswer(received, expected);
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, received);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
