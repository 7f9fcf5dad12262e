import { readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { MillraceError } from "../base/error.js";
import { OpenFile, readWhole } from "../base/open-file.js";
import type { BlobStore, PutOptions, StoreLocation } from "./contract.js";
import { isTemporary, writeDurably } from "./durable-file.js";
import { checkedFolder, checkedPath, joinPath } from "./path.js";
import { blobExists, blobMissing, codeOf, storageFailed } from "./storage-error.js";

/** A blob a file below a directory; relative directories start at the working directory. */
export class FilesystemBlobStore implements BlobStore {
  readonly location: StoreLocation;
  readonly #root: string;

  constructor(directory: string) {
    this.#root = resolve(directory);
    this.location = { kind: "filesystem", directory: this.#root };
  }

  async put(path: string, chunks: readonly Uint8Array[], options: PutOptions = {}): Promise<void> {
    const file = this.#file(path);
    try {
      await writeDurably(file, chunks, options.exclusive === true);
    } catch (error) {
      if (options.exclusive && codeOf(error) === "EEXIST") throw blobExists(file);
      throw storageFailed("write", file, error);
    }
  }

  async get(path: string): Promise<Uint8Array> {
    const file = this.#file(path);
    try {
      return await readWhole(file);
    } catch (error) {
      throw readFailed(file, error);
    }
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    const file = this.#file(path);
    try {
      return await readRange(file, offset, length);
    } catch (error) {
      throw readFailed(file, error);
    }
  }

  async list(folder: string): Promise<readonly string[]> {
    const found: string[] = [];
    await this.#walk(checkedFolder(folder), (path, kind) => {
      if (kind === "blob") found.push(path);
    });
    return found.sort();
  }

  async remove(path: string): Promise<void> {
    const file = this.#file(path);
    await rm(file, { force: true }).catch((error) => {
      if (!isAbsence(error)) throw storageFailed("remove", file, error);
    });
    await this.#prune(dirname(file));
  }

  async removeFolder(folder: string): Promise<void> {
    const directory = this.#file(folder);
    await rm(directory, { recursive: true, force: true, maxRetries: 3 }).catch((error) => {
      if (!isAbsence(error)) throw storageFailed("remove", directory, error);
    });
    await this.#prune(dirname(directory));
  }

  async sweep(folder: string): Promise<void> {
    const temporaries: string[] = [];
    const folders: string[] = [];
    await this.#walk(checkedPath(folder), (path, kind) => {
      if (kind === "temporary") temporaries.push(path);
      if (kind === "folder") folders.push(path);
    });
    for (const path of temporaries) {
      const file = join(this.#root, path);
      await rm(file, { force: true }).catch((error) => {
        throw storageFailed("remove", file, error);
      });
    }
    // the deepest first; folders that are not empty refuse
    for (const path of folders.reverse()) await rmdir(join(this.#root, path)).catch(() => undefined);
    await this.#prune(this.#file(folder));
  }

  /** A folder exists as long as there is a blob in it; one that is not empty refuses. The root stays. */
  async #prune(directory: string): Promise<void> {
    for (let each = directory; each !== this.#root; each = dirname(each)) {
      const code = await rmdir(each).then(() => undefined, codeOf);
      if (code !== undefined && code !== "ENOENT") return;
    }
  }

  #file(path: string): string {
    return join(this.#root, checkedPath(path));
  }

  /** Own recursion: a folder that vanishes on the way is empty, the rest is still listed. */
  async #walk(folder: string, visit: (path: string, kind: EntryKind) => void): Promise<void> {
    const directory = join(this.#root, folder);
    const entries = await readdir(directory, { withFileTypes: true }).catch((error) => {
      if (isAbsence(error)) return [];
      throw storageFailed("list", directory, error);
    });
    for (const entry of entries) {
      const path = joinPath(folder, entry.name);
      if (!entry.isDirectory()) visit(path, isTemporary(entry.name) ? "temporary" : "blob");
      else if (!isTemporary(entry.name)) {
        visit(path, "folder");
        await this.#walk(path, visit);
      }
    }
  }
}

type EntryKind = "blob" | "folder" | "temporary";

async function readRange(file: string, offset: number, length: number): Promise<Uint8Array> {
  const opened = new OpenFile(file);
  try {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const bytesRead = await opened.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) throw blobMissing(file, `has only ${offset + filled} bytes`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    opened.close();
  }
}

function readFailed(file: string, error: unknown): MillraceError {
  if (MillraceError.is(error)) return error;
  return isAbsence(error) ? blobMissing(file) : storageFailed("read", file, error);
}

function isAbsence(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}
