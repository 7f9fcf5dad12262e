/** Blobs on a real server: the contract, large blobs, long lists, and what is wrong said by its code. */
import { expect } from "chai";
import type { BlobStore, S3Server, StoreLocation } from "../../../lib/storage/contract.js";
import { openBlobStore } from "../../../lib/storage/open.js";
import { S3Bucket } from "../../../lib/storage/s3/bucket.js";
import type { RetryPolicy } from "../../../lib/storage/s3/retry.js";
import { S3BlobStore, type S3StoreOptions } from "../../../lib/storage/s3/store.js";
import { describeBlobStore } from "../blob-store-contract.js";
import { rejection } from "../rejection.js";
import { BUCKET, freshPrefix, useServer } from "./server.js";

type S3Location = Extract<StoreLocation, { kind: "s3" }>;

const MIB = 1024 * 1024;
/** What servers take at least. */
const PART_BYTES = 5 * MIB;
const QUICK: RetryPolicy = { tries: 3, delayMs: 5, delayMaxMs: 20, timeoutMs: 10_000 };

describe("on an S3 server", function () {
  this.timeout(30_000);
  let server: S3Server;
  before(async function () {
    server = await useServer(this);
  });

  const locationIn = (bucket = BUCKET, prefix = freshPrefix("store")): S3Location => {
    return { kind: "s3", bucket, prefix, server };
  };

  describeBlobStore("a prefix of a bucket", async () => {
    const location = locationIn();
    return {
      store: new S3BlobStore(location, { pageSize: 2 }),
      reopen: () => openBlobStore(location),
      dispose: () => empty(new S3BlobStore(location)),
    };
  });

  it("keeps large blobs in parts, each byte at its place, and nothing of an upload that failed", async () => {
    const location = locationIn();
    const store = new S3BlobStore(location, { partBytes: PART_BYTES });
    const bytes = new Uint8Array(2 * PART_BYTES + 17).map((_, i) => (i * 31 + (i >> 12)) & 255);
    await store.put("large", [bytes.subarray(0, 11), bytes.subarray(11)]);
    expect(Buffer.compare(await store.get("large"), bytes)).to.equal(0);
    const range = await store.getRange("large", PART_BYTES - 3, 6);
    expect(Buffer.compare(range, bytes.subarray(PART_BYTES - 3, PART_BYTES + 3))).to.equal(0);
    const bucket = new S3Bucket(server, BUCKET);
    await bucket.beginUpload(`${location.prefix}/folder/left`);
    const left = async () => {
      const keys: string[] = [];
      for await (const { key } of bucket.uploads(`${location.prefix}/`)) keys.push(key);
      return keys;
    };
    expect(await left()).to.deep.equal([`${location.prefix}/folder/left`]);
    expect(await store.list("")).to.deep.equal(["large"]);
    await store.sweep("folder");
    expect(await left()).to.deep.equal([]);
    await empty(store);
  });

  it("shows blobs only, whatever else lies there", async () => {
    const location = locationIn();
    const bucket = new S3Bucket(server, BUCKET);
    for (const name of ["folder/", ".hidden", "a//b", "good"])
      await bucket.put(`${location.prefix}/${name}`, Uint8Array.of(1));
    expect(await new S3BlobStore(location).list("")).to.deep.equal(["good"]);
    for (const name of ["folder/", ".hidden", "a//b", "good"])
      await bucket.remove(`${location.prefix}/${name}`);
  });

  it("knows its own exclusive put again, and no other", async () => {
    const store = new S3BlobStore(locationIn());
    await store.put("a", [Uint8Array.of(1)], { exclusive: true });
    const error = await rejection(store.put("a", [Uint8Array.of(1)], { exclusive: true }));
    expect(error.code).to.equal("BLOB_EXISTS");
    await empty(store);
  });

  describe("says what is wrong", () => {
    const failure = (location: S3Location, options: S3StoreOptions = {}) =>
      rejection(new S3BlobStore(location, { retry: QUICK, ...options }).put("a/b", [Uint8Array.of(1)]));

    it("with the bucket", async () => {
      const location = locationIn("millrace-no-such-bucket");
      const error = await failure(location);
      expect(error).to.include({ code: "BUCKET_MISSING", retryable: false });
      expect(error.message).to.include(`s3://millrace-no-such-bucket/${location.prefix}/a/b`);
      const store = new S3BlobStore(location, { retry: QUICK });
      expect((await rejection(store.list(""))).code).to.equal("BUCKET_MISSING");
      expect((await rejection(store.get("a"))).code).to.equal("BUCKET_MISSING");
    });

    it("with the credentials", async () => {
      for (const [accessKeyId, secretAccessKey] of [
        ["nobody", "wrong"],
        [process.env["AWS_ACCESS_KEY_ID"]!, "wrong"],
      ] as const) {
        const error = await failure(locationIn(), {
          client: { credentials: { accessKeyId, secretAccessKey } },
        });
        expect(error).to.include({ code: "STORAGE_DENIED", retryable: false });
        expect(error.message).to.match(/InvalidAccessKeyId|SignatureDoesNotMatch/);
        expect(error.hint).to.include("AWS_ACCESS_KEY_ID");
      }
    });

    it("with the way to the server, after a bounded number of tries", async () => {
      const away = { ...server, endpoint: "http://127.0.0.1:9" };
      const error = await failure({ ...locationIn(), server: away });
      expect(error).to.include({ code: "STORAGE_FAILED", retryable: true });
      expect(error.message).to.match(/cannot write s3:.*\/a\/b \(tried 3 times\): .*ECONNREFUSED/);
      expect(error.hint).to.include("MILLRACE_S3_ENDPOINT");
    });

    it("with a blob that is gone or too short", async () => {
      const location = locationIn();
      const store = new S3BlobStore(location);
      const missing = await rejection(store.get("a"));
      expect(missing.code).to.equal("BLOB_MISSING");
      expect(missing.message).to.include(`s3://${BUCKET}/${location.prefix}/a`);
      await store.put("a", [Uint8Array.of(1, 2, 3)]);
      const short = await rejection(store.getRange("a", 2, 5));
      expect(short.code).to.equal("BLOB_MISSING");
      expect(short.message).to.include("has only 3 bytes");
      await empty(store);
    });
  });

  it("goes on where the clocks differ", async () => {
    const store = new S3BlobStore(locationIn(), { client: { systemClockOffset: 3_600_000 } });
    await store.put("a", [Uint8Array.of(1)]);
    expect([...(await store.get("a"))]).to.deep.equal([1]);
    await empty(store);
  });

  it("tells a reader that an object was replaced", async () => {
    const bucket = new S3Bucket(server, BUCKET);
    const key = `${freshPrefix("replaced")}/a`;
    await bucket.put(key, Uint8Array.of(1, 2, 3));
    const { etag, size } = await bucket.head(key);
    expect(size).to.equal(3);
    expect([...(await bucket.getRange(key, 1, 9, etag)).bytes]).to.deep.equal([2, 3]);
    await bucket.put(key, Uint8Array.of(4, 5, 6));
    const error = await rejection(bucket.getRange(key, 1, 2, etag));
    expect(error.code).to.equal("BLOB_CHANGED");
    expect(error.message).to.include(key);
    expect((await rejection(bucket.getRange(key, 7, 2, etag))).code).to.equal("BLOB_CHANGED");
    await bucket.remove(key);
  });
});

async function empty(store: BlobStore): Promise<void> {
  for (const path of await store.list("")) await store.remove(path);
}
