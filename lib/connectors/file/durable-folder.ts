/**
 * Folders whose entries survive a crash of the machine: a file that was made or renamed is only there
 * afterwards if its folder was synced.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { OpenFile } from "../../base/open-file.js";

/** Makes a folder and those above it that are missing. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let at = resolve(path); at !== top && at !== dirname(at); at = dirname(at)) {
    await syncFolder(dirname(at));
  }
}

/** Makes the folders of a bucket below `root`, which has to be there. */
export async function makeBucket(root: string, bucket: string): Promise<void> {
  let at = root;
  for (const name of bucket.split("/")) {
    const parent = at;
    at = join(parent, name);
    try {
      await mkdir(at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      continue;
    }
    await syncFolder(parent);
  }
}

/** Waits until the folder's entries are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders; its renames are as durable as they get.
  if (process.platform === "win32") return;
  const folder = new OpenFile(path);
  try {
    await folder.sync();
  } catch (error) {
    // Some network file systems cannot, and do without.
    if (!["EINVAL", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    folder.close();
  }
}
