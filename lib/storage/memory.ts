import type { BlobStore, PutOptions, StoreLocation } from "./contract.js";
import { checkedFolder, checkedPath } from "./path.js";
import { blobExists, blobMissing } from "./storage-error.js";

/** Blobs in this thread's memory, gone with it. It copies what it is given and what it gives. */
export class MemoryBlobStore implements BlobStore {
  readonly location: StoreLocation = { kind: "memory" };
  readonly #blobs = new Map<string, Uint8Array>();

  async put(path: string, chunks: readonly Uint8Array[], options: PutOptions = {}): Promise<void> {
    checkedPath(path);
    if (options.exclusive && this.#blobs.has(path)) throw blobExists(path);
    this.#blobs.set(path, joined(chunks));
  }

  async get(path: string): Promise<Uint8Array> {
    return this.#find(path).slice();
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    const blob = this.#find(path);
    if (offset + length > blob.length) throw blobMissing(path, `has only ${blob.length} bytes`);
    return blob.slice(offset, offset + length);
  }

  async list(folder: string): Promise<readonly string[]> {
    return this.#below(folder).sort();
  }

  async remove(path: string): Promise<void> {
    this.#blobs.delete(checkedPath(path));
  }

  async removeFolder(folder: string): Promise<void> {
    for (const path of this.#below(checkedPath(folder))) this.#blobs.delete(path);
  }

  async sweep(folder: string): Promise<void> {
    checkedPath(folder);
  }

  #find(path: string): Uint8Array {
    const blob = this.#blobs.get(checkedPath(path));
    if (blob === undefined) throw blobMissing(path);
    return blob;
  }

  #below(folder: string): string[] {
    const prefix = checkedFolder(folder) === "" ? "" : `${folder}/`;
    return [...this.#blobs.keys()].filter((path) => path.startsWith(prefix));
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
