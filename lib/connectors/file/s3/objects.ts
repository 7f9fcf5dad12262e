/** Objects of a bucket as files. */
import { MillraceError } from "../../../base/error.js";
import { bucketIn } from "../../../storage/location.js";
import { S3Bucket } from "../../../storage/s3/bucket.js";
import { s3ServerOf } from "../../../storage/s3/server.js";
import { ReadAhead } from "./read-ahead.js";

/** The bucket of a URL, reached as the environment says. */
export function bucketOf(url: string): S3Bucket {
  const bucket = new S3Bucket(s3ServerOf(process.env), bucketIn(url).bucket);
  bucket.warm();
  return bucket;
}

/** Reads objects as they were found, or fails with SPLIT_CHANGED. */
export function readAheadOf(bucket: S3Bucket): ReadAhead {
  return new ReadAhead(async ({ path, etag }, begin, end) => {
    const { path: key } = bucketIn(path);
    const { bytes } = await bucket.getRange(key, begin, end - begin, etag).catch((error: unknown) => {
      throw changed(error, path);
    });
    if (bytes.length === end - begin) return bytes;
    throw new MillraceError("FILE_TRUNCATED", `${path} ends at ${begin + bytes.length}`);
  });
}

/** What a reader is to be told of an object that is not as it was found. */
function changed(error: unknown, path: string): unknown {
  if (!MillraceError.is(error)) return error;
  if (error.code === "BLOB_CHANGED") {
    return new MillraceError("SPLIT_CHANGED", `${path} was replaced since it was found`, { cause: error });
  }
  if (error.code !== "BLOB_MISSING") return error;
  return new MillraceError("SPLIT_CHANGED", `${path} was removed since it was found`, { cause: error });
}
