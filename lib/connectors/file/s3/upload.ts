/** A part file of a sink as an upload in parts: nobody sees the object before the upload is completed. */
import { createHash } from "node:crypto";
import type { KnownObject, UploadedPart } from "../../../storage/s3/bucket.js";

/** An upload of which every part was taken. It is the sink's committable for objects. */
export interface PendingUpload {
  /** Name of the object within the sink's prefix. */
  readonly visible: string;
  readonly upload: string;
  readonly parts: readonly UploadedPart[];
  readonly bytes: number;
}

const MD5 = /^"?([0-9a-f]{32})"?$/;
const OF_PARTS = /^"?([0-9a-f]{32})-(\d+)"?$/;

/** Whether an object is what the upload made: of its size, in as many parts, and of their content where tags tell. */
export function isMadeBy(
  object: Pick<KnownObject, "size" | "etag" | "isHash">,
  made: PendingUpload,
): boolean {
  if (object.size !== made.bytes) return false;
  const [, hash, count] = OF_PARTS.exec(object.etag) ?? [];
  // An object that was put as a whole; or a server with tags of its own, of which nothing is known.
  if (hash === undefined) return !MD5.test(object.etag);
  const tags = made.parts.map(({ etag }) => MD5.exec(etag)?.[1]);
  if (Number(count) !== tags.length) return false;
  if (!object.isHash || tags.some((tag) => tag === undefined)) return true;
  return (
    createHash("md5")
      .update(Buffer.from(tags.join(""), "hex"))
      .digest("hex") === hash
  );
}
