/** Which objects a URL or pattern names. */
import { MillraceError } from "../../../base/error.js";
import { bucketIn } from "../../../storage/location.js";
import type { FoundObject, S3Bucket } from "../../../storage/s3/bucket.js";
import type { FoundFile } from "../found-file.js";
import { bucketOf, readAheadOf } from "./objects.js";

const MAGIC = /[*?[\]{}()!]/;

/**
 * An object, all objects below a prefix, or a glob (`s3://bucket/logs/2024-*\/*.jsonl`); sorted by key. What begins
 * with '.' or '_' is skipped, as are marks of folders.
 */
export async function listObjects(url: string): Promise<FoundFile[]> {
  const bucket = bucketOf(url);
  const { path } = bucketIn(url);
  const isPattern = MAGIC.test(path);
  if (!isPattern && path !== "") {
    const single = await bucket.head(path).catch((error: unknown) => {
      if (MillraceError.is(error) && error.code === "BLOB_MISSING") return undefined;
      throw error;
    });
    if (single !== undefined) return [fileOf(bucket, single)];
  }
  const base = isPattern
    ? path.slice(0, path.slice(0, path.search(MAGIC)).lastIndexOf("/") + 1)
    : path === ""
      ? ""
      : `${path}/`;
  const isMeant = isPattern ? (await import("picomatch")).default(path, { windows: false }) : () => true;
  const found: FoundObject[] = [];
  for await (const page of bucket.list(base)) {
    for (const object of page) {
      const names = object.key.slice(isPattern ? object.key.lastIndexOf("/") + 1 : base.length).split("/");
      if (names.every((name) => /^[^._]/.test(name)) && isMeant(object.key)) found.push(object);
    }
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1)).map((object) => fileOf(bucket, object));
}

/** What whoever needs an object is told. */
export function nothingFound(url: string): MillraceError {
  if (MAGIC.test(url)) return new MillraceError("FILE_GLOB_EMPTY", `no object matches ${url}`);
  return new MillraceError("FILE_NOT_FOUND", `no such object, and none below it: ${url}`, {
    hint: "Check the bucket and the path, and that MILLRACE_S3_ENDPOINT names the server.",
  });
}

function fileOf(bucket: S3Bucket, { key, size, etag, modified }: FoundObject): FoundFile {
  const path = bucket.placeOf(key);
  const content = readAheadOf(bucket).contentOf({ id: path, path, size, etag });
  return { path, size, modified, etag, content };
}
