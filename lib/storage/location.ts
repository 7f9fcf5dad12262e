/**
 * Where users say that checkpoints and savepoints lie: a folder, or `s3://bucket/prefix`. Such a *place* is text; it
 * becomes a location, and is shown again, here.
 */
import { join, resolve } from "node:path";
import { MillraceError } from "../base/error.js";
import type { StoreLocation } from "./contract.js";
import { joinPath } from "./path.js";
import { s3ServerOf } from "./s3/server.js";

const SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i;
const S3 = /^s3:\/\/([^/]*)\/*(.*?)\/*$/;
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/;

/**
 * The location that a place names. How an S3 server is reached is taken from the environment now, so that all threads
 * reach the same one. Throws OPTION_INVALID.
 */
export function locationOf(place: string): StoreLocation {
  if (!SCHEME.test(place)) return { kind: "filesystem", directory: resolve(place) };
  const { bucket, path } = bucketIn(place);
  return { kind: "s3", bucket, prefix: path, server: s3ServerOf(process.env) };
}

/** Bucket and path of an `s3://` URL, the path without a "/" at its ends. Throws OPTION_INVALID. */
export function bucketIn(place: string): { readonly bucket: string; readonly path: string } {
  const [, bucket = "", path = ""] = S3.exec(place) ?? [];
  const isGood = BUCKET.test(bucket) && path.split("/").every((part) => part !== "." && part !== "..");
  if (isGood && !(path !== "" && path.split("/").includes(""))) return { bucket, path };
  throw new MillraceError("OPTION_INVALID", `"${place}" is no place to keep anything in`, {
    hint: "Name a folder, or s3://bucket/prefix.",
  });
}

export function isS3(place: string): boolean {
  return place.startsWith("s3://");
}

/** A place that means the same in every working directory. */
export function absolutePlace(place: string): string {
  return SCHEME.test(place) ? place : resolve(place);
}

/** What lies at `path` in a place. */
export function placeIn(place: string, path: string): string {
  return SCHEME.test(place) ? `${place.replace(/\/+$/, "")}/${path}` : join(place, path);
}

/** A path in a store as its user would name it. */
export function placeOf(location: StoreLocation, path = ""): string {
  switch (location.kind) {
    case "memory":
      return path === "" ? "memory" : path;
    case "filesystem":
      return join(location.directory, path);
    case "s3":
      return [`s3://${location.bucket}`, location.prefix, path].filter((part) => part !== "").join("/");
  }
}

/** The key of a blob: its path below a prefix. */
export function keyIn(prefix: string, path: string): string {
  return path === "" ? prefix : joinPath(prefix, path);
}
