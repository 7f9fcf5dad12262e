/** A store in memory that other stores share, whose operations can fail or be watched. */
import type { BlobStore, PutOptions, StoreLocation } from "../../lib/storage/contract.js";
import { MemoryBlobStore } from "../../lib/storage/memory.js";

export type Operation = "put" | "get" | "list" | "remove";

export class FaultyStore implements BlobStore {
  readonly location: StoreLocation = { kind: "memory" };
  /** Called before each operation; throws what the operation is to fail with. */
  before: (operation: Operation, path: string) => void | Promise<void> = () => undefined;
  /** Called after each put, as `before`: it has been done all the same. */
  after: (operation: Operation, path: string) => void = () => undefined;
  readonly #inner: MemoryBlobStore;

  constructor(inner = new MemoryBlobStore()) {
    this.#inner = inner;
  }

  async put(path: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    await this.before("put", path);
    await this.#inner.put(path, chunks, options);
    this.after("put", path);
  }
  async get(path: string): Promise<Uint8Array> {
    await this.before("get", path);
    return this.#inner.get(path);
  }
  async getRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    await this.before("get", path);
    return this.#inner.getRange(path, offset, length);
  }
  async list(folder: string): Promise<readonly string[]> {
    await this.before("list", folder);
    return this.#inner.list(folder);
  }
  async remove(path: string): Promise<void> {
    await this.before("remove", path);
    return this.#inner.remove(path);
  }
  /** One by one, as a store does that can die in between. */
  async removeFolder(folder: string): Promise<void> {
    for (const path of await this.#inner.list(folder)) await this.remove(path);
  }
  async sweep(folder: string): Promise<void> {
    return this.#inner.sweep(folder);
  }
}
