/** Paths in a store: "a/b/c", never out of it. Parts beginning with "." belong to the store itself. */
import { MillraceError } from "../base/error.js";

const PART = /^[^./\\\0][^/\\\0]*$/;

/** The path, if it is one that stays below the root; STORAGE_PATH_INVALID otherwise. */
export function checkedPath(path: string): string {
  if (isPath(path)) return path;
  throw new MillraceError("STORAGE_PATH_INVALID", `${JSON.stringify(path)} is not a path in a store`);
}

export function isPath(path: string): boolean {
  return path.split("/").every((part) => PART.test(part));
}

/** As `checkedPath`, and "" is the root. */
export function checkedFolder(folder: string): string {
  return folder === "" ? folder : checkedPath(folder);
}

/** `a/b` below `folder`, which may be the root (""). */
export function joinPath(folder: string, path: string): string {
  return folder === "" ? path : `${folder}/${path}`;
}
