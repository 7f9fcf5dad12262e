/** Which files a path or pattern names. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { MillraceError } from "../../base/error.js";
import { isS3 } from "../../storage/location.js";
import type { FoundFile } from "./found-file.js";

/** As `listFiles`; at least one. Throws FILE_NOT_FOUND, FILE_GLOB_EMPTY. */
export async function findFiles(path: string): Promise<FoundFile[]> {
  const found = await listFiles(path);
  if (found.length > 0) return found;
  if (!isS3(path)) throw new MillraceError("FILE_GLOB_EMPTY", `no file matches ${resolve(path)}`);
  throw (await import("./s3/find-objects.js")).nothingFound(path);
}

/**
 * A file, all files of a folder, or a glob; sorted by path. Names that begin with '.' or '_' are skipped, and what goes
 * while it is looked at. Throws FILE_NOT_FOUND for a file or folder that is not there. The same of objects in a bucket,
 * where there are no folders that could be missing.
 */
export async function listFiles(path: string): Promise<FoundFile[]> {
  if (isS3(path)) return (await import("./s3/find-objects.js")).listObjects(path);
  const { glob, isDynamicPattern } = await import("tinyglobby");
  if (!isDynamicPattern(path)) {
    const found = await stat(path).catch((cause: unknown) => {
      throw new MillraceError("FILE_NOT_FOUND", `no such file: ${resolve(path)}`, { cause });
    });
    if (!found.isDirectory()) return [{ path, size: found.size, modified: found.mtimeMs }];
  }
  const isPattern = isDynamicPattern(path);
  const matched = isPattern
    ? await glob(path, { expandDirectories: false })
    : await glob("**", { cwd: path, absolute: true });
  const visible = matched.filter(
    (each) => !/(^|[\\/])[._]/.test(isPattern ? lastPart(each) : each.slice(resolve(path).length + 1)),
  );
  visible.sort();
  const found = await Promise.all(visible.map(lookAt));
  return found.filter((each) => each !== undefined);
}

/** Undefined: it has gone meanwhile. */
async function lookAt(path: string): Promise<FoundFile | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { path, size, modified: mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function lastPart(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}
